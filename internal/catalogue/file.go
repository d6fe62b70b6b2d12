package catalogue

// The types of this file and of fileenvironment.go are the reference of grantway.yaml: their comments are
// printed in docs/reference/grantway.yaml.md and shown by editors through
// grantway.schema.json. The tags say what the reader enforces: yaml (the key,
// "required" after it), default, oneof, min and max. After a change, run
// "go generate ./internal/catalogue".

// File is one YAML document of at most 1 MiB. It is read strictly: a key that is
// not listed here, a key that stands twice and a value of another kind are
// faults. All faults are reported together, each with its line, and a running
// server keeps the last good file.
//
// Anchors, aliases, merge keys and tags are not read: what the file says can be
// seen where it says it. References to environment variables, ${NAME}, stand in
// a client's secret and in a store only.
type File struct {
	// What is published, as people call it. The developer portal carries it as its title.
	Name string `yaml:"name,required"`
	// Where a developer without credentials asks for some: an e-mail address or a URL.
	Contact string `yaml:"contact"`
	// The environments, by name. Each is an issuer of its own, with its own keys, clients and store, so that nothing
	// that one of them issues is good at another. Names are lower-case letters, digits and hyphens; at most 31.
	Environments Named[EnvironmentEntry] `yaml:"environments,required"`
	// The published APIs, by name. Each is in every environment.
	APIs Named[APIEntry] `yaml:"apis,required"`
	// Clients that are declared here instead of being created at run time, by client id. An id is printable ASCII
	// without space, %, + and :, at most 128 characters. They cannot be changed elsewhere.
	Clients Named[ClientEntry] `yaml:"clients"`
	// The environment of the deployment itself, whose tokens open the admin API to other machines. Without it, the
	// command line administers from the server's own machine only.
	Home HomeEntry `yaml:"home"`
	// The developer portal, where partners read and help themselves.
	Portal PortalEntry `yaml:"portal"`
	// Where a production server answers. `grantway dev` has its own.
	Listen ListenEntry `yaml:"listen"`
	// Where the server may go by itself, beside the public internet.
	Outbound OutboundEntry `yaml:"outbound"`
	// Limits that a deployment may change, within a ceiling each.
	Limits LimitsEntry `yaml:"limits"`
	// For how long is kept what is not needed for ever.
	Retention RetentionEntry `yaml:"retention"`
	// Where the key comes from that seals the signing keys in the stores: `file:PATH` or `env:NAME`. A production
	// server does not start without one.
	SealingKey string `yaml:"sealing_key"`
	// The folder of what has no other place: the admin socket, certificates, stores that are not said otherwise.
	// A relative path starts at the working directory.
	Data string `yaml:"data" default:"data"`
}

// APIEntry is a protected resource: what it is called, where it is, and what its tokens are.
type APIEntry struct {
	// What people call it. Without one, its name with a capital.
	Title string `yaml:"title"`
	// What its tokens carry as `aud`, and what a client names to ask for one (`audience`, or `resource` of RFC 8707):
	// usually a URL, compared character by character. Without one, the environment's API URL continued by the path that
	// all guarded routes have in common. Different per environment as a map: `{staging: A, production: B}`.
	Audience Each `yaml:"audience"`
	// The URL to which the gateway passes requests on; the path of the request continues it. `demo` is the built-in
	// demonstration API, for development. May be a map per environment.
	Upstream Each `yaml:"upstream,required"`
	// The envelope of the gateway's own 401, 403, 404 and 429: `rfc` (RFC 6750), `imsx` (1EdTech) or `spring`
	// (Spring Security OAuth).
	Errors string `yaml:"errors" oneof:"rfc imsx spring" default:"rfc"`
	// How many requests one client may make: `600/min`, `10/s`, `5000/h`. As many may come at once; they are given back
	// evenly over the time. Where a route is public, every address counts as a client. Requests beyond are answered with
	// 429 and the time to wait. Without one, there is no limit.
	Rate Rate `yaml:"rate"`
	// How long tokens are accepted while the environment's store, which says what was revoked, does not answer. After
	// that, and until it answers again, calls that need a token are refused with 503. A gateway apart from the server has
	// its own setting, `--max-stale`.
	MaxStale Duration `yaml:"max_stale" default:"5m" min:"15s" max:"1h"`
	// How tokens for the API are made.
	Token TokenEntry `yaml:"token"`
	// GET requests may carry their token as `access_token` in the query, for clients that know no other way. It is kept
	// out of the logs and is not passed on.
	QueryToken bool `yaml:"query_token" default:"false"`
	// What a route that is `public` asks for: `public` (nothing), `api_token` or `token`. May be a map per environment.
	Open Each `yaml:"open"`
	// The versions of the API's software, oldest first, where numbers do not tell their order: what `since` of a scope and
	// `version` of an environment name.
	Versions List `yaml:"versions"`
	// Long-lived credentials of servers that the API knows beside OAuth tokens.
	APITokens APITokensEntry `yaml:"api_tokens"`
	// Other issuers whose tokens are good here for a time, so that clients can move to this one gradually.
	Issuers []IssuerEntry `yaml:"issuers"`
	// Its OpenAPI document, version 3.0 or 3.1, in JSON or YAML: the portal's reference shows what it says of the routes,
	// and `grantway lint` where the two differ. A relative path starts at this file's folder. A change of it is followed
	// as one of this file is.
	OpenAPI string `yaml:"openapi"`
	// The rights at the API, by the name that tokens carry (RFC 6749 §3.3), at most 256 characters. `public`, `token` and
	// `all` are words of this file and no scopes.
	Scopes Named[ScopeEntry] `yaml:"scopes"`
	// Which requests reach the API and what their token needs. A request that no route names is answered with 404 and
	// does not reach the API.
	Routes []RouteEntry `yaml:"routes,required"`
}

// APITokensEntry says what an API does with API tokens.
type APITokensEntry struct {
	// The header that carries one. Without one, the API knows none. It is never passed on.
	Header string `yaml:"header"`
	// The header in which an elevated token names the person it asks for.
	For string `yaml:"for"`
	// Elevated tokens are good here: they act for people who were not asked.
	Elevated bool `yaml:"elevated" default:"false"`
}

// TokenEntry says how tokens for an API are made.
type TokenEntry struct {
	// How long a token is good, in whole seconds: `1h`, `15m`, `3600s`. A production server warns of a `jwt` above 1h and refuses
	// above 24h.
	Lifetime Duration `yaml:"lifetime" default:"1h"`
	// The signature of JWTs. Without one, RS256 in the dialects `cognito` and `auth0`, whose clients expect it, and ES256
	// elsewhere, which costs a thirtieth of the work.
	Algorithm string `yaml:"algorithm" oneof:"ES256 RS256 EdDSA PS256"`
	// `jwt` can be checked by anybody with the published keys; `opaque` only by asking. `dashed` is opaque, written in
	// groups with dashes between them. The dialect `cognito` needs `jwt`.
	Format string `yaml:"format" oneof:"jwt opaque dashed" default:"jwt"`
	// A client that asks for itself, again and for the same, is given the token that it has, as long as this much of its life
	// is left; `expires_in` says how much. Such an answer costs no signature. Choose more than clients renew ahead of the
	// end, and less than `lifetime`: `10m` where tokens live an hour. Without one, every request is given a token of its own.
	// Tokens of people are never given twice. An API must not refuse tokens that are good here: its clients would ask for
	// another one in vain.
	Reuse Duration `yaml:"reuse" min:"1m" max:"12h"`
	// How many tokens one client may obtain for itself: `600/h`, `20/min`. As many may come at once. Requests beyond are
	// answered with 429 and the time to wait. A token that is given again, and tokens of people, do not count. Without one,
	// there is no limit.
	Budget Rate `yaml:"budget"`
}

// IssuerEntry is another issuer whose JWTs are good at the API until a day. It adds trust to what it lists and to nothing
// else: keys are fetched from listed issuers only, and each token is checked with the keys of its own issuer.
//
// Its tokens open what their scopes do, by name or alias; scopes that the API does not have are dropped. So that nobody
// takes its clients for clients of the environment, the API is told `ISSUER#CLIENT` and `ISSUER#SUBJECT` in
// Grantway-Client and Grantway-Subject, with what follows the # percent-encoded; no id of the environment has a #
// behind a URL. Rates count such a client by itself. A token that names no client is refused.
//
// What the issuer revokes is not heard of: its tokens are good until they expire, or until the entry is removed.
// `grantway issuers list` says who still comes with them.
type IssuerEntry struct {
	// What its tokens say as `iss`, character by character, such as
	// https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example. Not an issuer of this file.
	Issuer string `yaml:"issuer,required"`
	// The environments that trust it.
	Environments List `yaml:"environments,required"`
	// The first day on which its tokens are refused, from midnight in UTC. The log says so each day of the last 30.
	Until Date `yaml:"until,required"`
	// What its tokens say as `aud`: one of these. Without any, the API's own audience. It must be a name of the API that no
	// client has as its id.
	Audience List `yaml:"audience"`
	// What its tokens look like. `rfc9068`: `typ` is at+jwt. `auth0`: `typ` is JWT, the client in azp. `cognito`: neither `typ`
	// nor `aud`; a scope of the API must be in it. `plain`: other issuers; what is recognisably no access token is refused, and
	// the audience does the rest.
	Shape string `yaml:"shape" oneof:"rfc9068 auth0 cognito plain" default:"rfc9068"`
	// The URL of its key set. Without one, its metadata says it (RFC 8414, OpenID Connect Discovery).
	JWKS string `yaml:"jwks"`
}

// ScopeEntry is a right at an API.
type ScopeEntry struct {
	// The heading under which it is listed.
	Category string `yaml:"category"`
	// What it allows, in one line for the person who asks for it or grants it. May be a map per language: `{en: …, nl: …}`.
	Description Texts `yaml:"description,required"`
	// Other spellings that clients may ask for. Tokens carry the name.
	Aliases List `yaml:"aliases"`
	// The version of the API that brought it. In quotation marks, since 1.10 is a number to YAML.
	Since string `yaml:"since"`
	// It alters something: the consent page shows it first, and a token in a query string does not carry it.
	Write bool `yaml:"write" default:"false"`
	// The roles of which a person needs one to have the right. Without any, everybody has it.
	Roles List `yaml:"roles"`
}

// RouteEntry is a pair of what is asked for and what the token needs: `GET /notes/{id}: notes:read`.
//
// Before the colon, the methods and the path. Methods are separated by `|` or `,`; `GET` includes HEAD, and `ANY` is GET,
// POST, PUT, PATCH and DELETE. A path continues the environment's API URL. Its segments are literal, or `{name}` for any
// one segment; a last `…` (or `...`) stands for one segment or more. Of the routes that fit a request, the one counts
// that is more literal where they first differ: a literal before `{name}`, `{name}` before `…`. The order of the file
// does not matter, and a slash at the end of a request does not either.
//
// After the colon, one of:
//
//   - a scope, or as much of its end as is unique at a `/`, `:` or `.`;
//   - `a | b`: one of these scopes;
//   - `[a, b]`: all of these scopes;
//   - `token`: any good token for the API;
//   - `public`: everybody, with a token or without;
//   - a map that says more: `{scope: notes:read, rate: 60/min}`.
type RouteEntry struct {
	Pattern string // methods and path, as written
	RuleEntry
}

// RuleEntry says of a route more than what the token needs: `GET /notes: {scope: notes:read, rate: 60/min}`.
type RuleEntry struct {
	// What may stand after the colon alone: a scope, `a | b`, `[a, b]`, `token` or `public`.
	Scope Rule `yaml:"scope,required"`
	// How many requests one client may make on this route, all its methods and paths together, beside the API's own
	// `rate`. The tighter of the two answers.
	Rate Rate `yaml:"rate"`
}

// ClientEntry is a client that the file declares.
type ClientEntry struct {
	// The environments that it is in.
	Environments List `yaml:"environments,required"`
	// What people call it. Without one, its id.
	Name string `yaml:"name"`
	// A `machine` asks for tokens. A `resource` is an API that asks whether tokens are good (introspection); its `apis`
	// are those that it is, and it has neither scopes nor grants. `web`, `native` and `browser` act for people: on a
	// server with a secret, on a device and in the browser without one.
	Type string `yaml:"type" oneof:"machine resource web native browser" default:"machine"`
	// Its secret, as a reference to an environment variable: ${NAME}. A secret is never written into the file.
	Secret Reference `yaml:"secret"`
	// A hash of its secret instead: `$argon2id$…`, `$2b$…` (bcrypt), `$pbkdf2-sha256$…`, `sha256:…` and others.
	Hash string `yaml:"hash"`
	// The grants that it may use. Without any, client_credentials for a machine, authorization_code and refresh_token for
	// clients that act for people.
	Grants List `yaml:"grants" oneof:"client_credentials authorization_code refresh_token"`
	// The APIs that it may use. Without any, those that its scopes belong to.
	APIs List `yaml:"apis"`
	// The scopes that it may ask for: unique endings, as in a route, or `all`.
	Scopes List `yaml:"scopes"`
	// How it may authenticate. Without any, every way that takes a secret.
	Methods List `yaml:"methods" oneof:"client_secret_basic client_secret_post"`
	// Where people are sent back to, compared character by character: https, or http on loopback.
	RedirectURIs List `yaml:"redirect_uris"`
	// Where people may be sent after they signed out.
	PostLogoutRedirectURIs List `yaml:"post_logout_redirect_uris"`
	// Where the client is told that a session has ended (OpenID Connect Back-Channel Logout).
	LogoutNotice string `yaml:"backchannel_logout_uri"`
	// The signature of its ID tokens.
	IDTokenAlg string `yaml:"id_token_alg" oneof:"RS256 ES256 PS256 EdDSA" default:"RS256"`
	// Who made it, as the consent page says it.
	Owner string `yaml:"owner"`
	// The maker's page.
	Homepage string `yaml:"homepage"`
	// We know that it is theirs: the consent page says so.
	Verified bool `yaml:"verified" default:"false"`
	// It may send neither PKCE nor state, as clients from before RFC 7636 do.
	Legacy bool `yaml:"legacy" default:"false"`
}

// ListenEntry says where a production server answers.
type ListenEntry struct {
	// Host and port. Without one, `:443` with certificates and `127.0.0.1:8080` without.
	Address string `yaml:"address"`
	// Where certificates come from. Without any, the server speaks plain HTTP, which it does on loopback and behind
	// trusted proxies only.
	TLS TLSEntry `yaml:"tls"`
	// Host and port of /metrics, /healthz and /readyz, which the public must not reach. Without one, they do not answer.
	Metrics string `yaml:"metrics"`
	// Host and port at which other proxies ask whether a request may pass: /verify/ENVIRONMENT/API. Whoever reaches it can
	// try tokens, so it belongs on loopback or a private network. Without one, it does not answer.
	Verify string `yaml:"verify"`
	// The proxies in front, as addresses or networks (`10.0.0.0/8`). What they say about the caller (X-Forwarded-For,
	// -Proto, -Host) is believed; what others say is not.
	TrustedProxies List `yaml:"trusted_proxies"`
}

// TLSEntry says where certificates come from: from two files, or from an ACME directory.
type TLSEntry struct {
	// A PEM file with the certificate and those above it. It is read again when it changes.
	Certificate string `yaml:"certificate"`
	// A PEM file with the certificate's private key.
	Key string `yaml:"key"`
	// The e-mail address of an account at an ACME directory, which then gives certificates for the hosts of all issuers
	// and APIs.
	ACME string `yaml:"acme"`
	// The ACME directory. Without one, Let's Encrypt.
	Directory string `yaml:"directory"`
}

// OutboundEntry opens private places to what the server asks by itself: OpenID providers, and clients' logout endpoints.
type OutboundEntry struct {
	// Private networks in which they may be (`10.20.0.0/16`), at any port. Elsewhere they are on the internet, at port 443.
	Networks List `yaml:"networks"`
	// A PEM file with a certification authority of your own, which vouches for servers there beside those the machine
	// knows. It is read when this file is.
	CA string `yaml:"ca"`
}

// LimitsEntry holds the limits that a deployment may change. Sizes are written in bytes, or with KiB or MiB.
type LimitsEntry struct {
	// The body of a token request.
	Body Size `yaml:"body" default:"64KiB" min:"1KiB" max:"1MiB"`
	// Failed authentications of one client from one address, per minute.
	FailuresPerMinute int `yaml:"failures_per_minute" default:"30" min:"1" max:"600"`
	// Open connections of one address; trusted proxies do not count.
	ConnectionsPerAddress int `yaml:"connections_per_address" default:"200" min:"1" max:"10000"`
	// Open connections of all addresses.
	Connections int `yaml:"connections" default:"10000" min:"1" max:"100000"`
	// The body of a request that the gateway passes on.
	GatewayBody Size `yaml:"gateway_body" default:"10MiB" min:"1KiB" max:"1024MiB"`
}
