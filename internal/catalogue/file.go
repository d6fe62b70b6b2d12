package catalogue

// The types of this file are the reference of grantway.yaml: their comments are
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
	// Where a production server answers. `grantway dev` has its own.
	Listen ListenEntry `yaml:"listen"`
	// Limits that a deployment may change, within a ceiling each.
	Limits LimitsEntry `yaml:"limits"`
	// Where the key comes from that seals the signing keys in the stores: `file:PATH` or `env:NAME`. A production
	// server does not start without one.
	SealingKey string `yaml:"sealing_key"`
	// The folder of what has no other place: the admin socket, certificates, stores that are not said otherwise.
	// A relative path starts at the working directory.
	Data string `yaml:"data" default:"data"`
}

// EnvironmentEntry says where an environment answers, and in whose manner.
type EnvironmentEntry struct {
	// What people call it. Without one, its name with a capital.
	Title string `yaml:"title"`
	// What it is for.
	Use string `yaml:"use" oneof:"development live" default:"development"`
	// The URL that tokens carry as `iss`, character by character: https (http on loopback only), lower case, without a
	// trailing slash, query or fragment. Two environments never share a host, except on loopback.
	Issuer string `yaml:"issuer,required"`
	// The URL at which the gateway answers; routes continue it. Without one, the issuer.
	API string `yaml:"api"`
	// How the environment answers where products differ: paths, error bodies, the shape of tokens. `rfc` is the
	// standards' own; `cognito` and `auth0` let clients of those products carry on unchanged.
	Dialect string `yaml:"dialect" oneof:"rfc cognito auth0" default:"rfc"`
	// Where the environment remembers: `sqlite:PATH`, or `postgres://USER@HOST/DATABASE#SCHEMA`, in which ${NAME} stands
	// for an environment variable. Without one, `sqlite:` and a file of the environment's name in the data folder.
	Store Expanded `yaml:"store"`
	// The error codes of refused token requests: the `dialect`'s own, or those of the `rfc` with the dialect's statuses
	// and texts. Some clients of auth0 match on access_denied, others on invalid_client.
	ErrorCodes string `yaml:"error_codes" oneof:"dialect rfc" default:"dialect"`
	// Answers exactly as the dialect's product does, without the members that are added to explain a refusal.
	Strict bool `yaml:"strict" default:"false"`
}

// HomeEntry says where the deployment itself answers: the issuer of the tokens for the admin API, which is at
// /admin/v1 below it. Clients for it are made by `grantway clients create --environment home`; its scopes are
// clients:read, clients:write, keys:read and keys:write.
type HomeEntry struct {
	// The URL of the issuer and of the admin API, with a host of its own.
	Issuer string `yaml:"issuer"`
	// Where home remembers. Without one, a file in the data folder.
	Store Expanded `yaml:"store"`
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
	// The envelope of the gateway's own 401, 403, 404 and 429: `rfc` (RFC 6750) or `imsx` (1EdTech).
	Errors string `yaml:"errors" oneof:"rfc imsx" default:"rfc"`
	// How many requests one client may make: `600/min`, `10/s`, `5000/h`. As many may come at once; they are given back
	// evenly over the time. Where a route is public, every address counts as a client. Requests beyond are answered with
	// 429 and the time to wait. Without one, there is no limit.
	Rate Rate `yaml:"rate"`
	// How tokens for the API are made.
	Token TokenEntry `yaml:"token"`
	// The rights at the API, by the name that tokens carry (RFC 6749 §3.3), at most 256 characters. `public`, `token` and
	// `all` are words of this file and no scopes.
	Scopes Named[ScopeEntry] `yaml:"scopes"`
	// Which requests reach the API and what their token needs. A request that no route names is answered with 404 and
	// does not reach the API.
	Routes []RouteEntry `yaml:"routes,required"`
}

// TokenEntry says how tokens for an API are made.
type TokenEntry struct {
	// How long a token is good, in whole seconds: `1h`, `15m`, `3600s`. A production server warns above 1h and refuses
	// above 24h.
	Lifetime Duration `yaml:"lifetime" default:"1h"`
	// The signature of JWTs. Without one, RS256 in the dialects `cognito` and `auth0`, whose clients expect it, and ES256
	// elsewhere, which costs a thirtieth of the work.
	Algorithm string `yaml:"algorithm" oneof:"ES256 RS256 EdDSA PS256"`
	// `jwt` can be checked by anybody with the published keys; `opaque` only by asking. The dialect `cognito` needs `jwt`.
	Format string `yaml:"format" oneof:"jwt opaque" default:"jwt"`
}

// ScopeEntry is a right at an API.
type ScopeEntry struct {
	// The heading under which it is listed.
	Category string `yaml:"category"`
	// What it allows, in one line for the person who asks for it or grants it.
	Description string `yaml:"description,required"`
	// Other spellings that clients may ask for. Tokens carry the name.
	Aliases List `yaml:"aliases"`
	// The version of the API that brought it. In quotation marks, since 1.10 is a number to YAML.
	Since string `yaml:"since"`
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
	// are those that it is, and it has neither scopes nor grants.
	Type string `yaml:"type" oneof:"machine resource" default:"machine"`
	// Its secret, as a reference to an environment variable: ${NAME}. A secret is never written into the file.
	Secret Reference `yaml:"secret"`
	// A hash of its secret instead: `$argon2id$…`, `$2b$…` (bcrypt), `$pbkdf2-sha256$…`, `sha256:…` and others.
	Hash string `yaml:"hash"`
	// The grants that it may use.
	Grants List `yaml:"grants" oneof:"client_credentials" default:"client_credentials"`
	// The APIs that it may use. Without any, those that its scopes belong to.
	APIs List `yaml:"apis"`
	// The scopes that it may ask for: unique endings, as in a route, or `all`.
	Scopes List `yaml:"scopes"`
	// How it may authenticate. Without any, every way that takes a secret.
	Methods List `yaml:"methods" oneof:"client_secret_basic client_secret_post"`
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
