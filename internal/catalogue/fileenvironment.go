package catalogue

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
	// standards' own; `cognito`, `auth0` and `spring` let clients of those products carry on unchanged. In `auth0`, a
	// request for an API's scopes must name the API's `audience`: at the token endpoint, and at /authorize too, where a
	// request for scopes of OpenID Connect alone needs none.
	Dialect string `yaml:"dialect" oneof:"rfc cognito auth0 spring" default:"rfc"`
	// Where the environment remembers: `sqlite:PATH`, or `postgres://USER@HOST/DATABASE#SCHEMA`, in which ${NAME} stands
	// for an environment variable. Without one, `sqlite:` and a file of the environment's name in the data folder.
	Store Expanded `yaml:"store"`
	// The error codes of refused token requests: the `dialect`'s own, or those of the `rfc` with the dialect's statuses
	// and texts. Some clients of auth0 match on access_denied, others on invalid_client.
	ErrorCodes string `yaml:"error_codes" oneof:"dialect rfc" default:"dialect"`
	// Answers exactly as the dialect's product does, without the members that are added to explain a refusal.
	Strict bool `yaml:"strict" default:"false"`
	// The version of the software that the APIs run here. A scope whose `since` is later does not exist here. Without one,
	// all scopes do. In quotation marks, since 4.10 is a number to YAML.
	Version string `yaml:"version"`
	// People sign in here, so that clients can act for them: login, consent, the account page and OpenID Connect.
	Accounts bool `yaml:"accounts" default:"false"`
	// How people sign in, where they do.
	Login LoginEntry `yaml:"login"`
}

// LoginEntry says how people sign in to an environment.
type LoginEntry struct {
	// Who needs a second factor: those who have set one up, or everybody.
	SecondFactor string `yaml:"second_factor" oneof:"optional required" default:"optional"`
	// How long a session lives when it is not used.
	Idle Duration `yaml:"idle" default:"30m" min:"1m" max:"24h"`
	// How long a session lives at most.
	Session Duration `yaml:"session" default:"12h" min:"5m" max:"720h"`
	// How long a browser is remembered, so that the second factor is not asked for there again.
	Remember Duration `yaml:"remember" default:"720h" min:"1h" max:"2160h"`
	// How long refresh tokens live.
	Refresh RefreshEntry `yaml:"refresh"`
	// The publisher's brand on the pages.
	Theme ThemeEntry `yaml:"theme"`
	// The server through which mails go. Without one, passwords cannot be reset by mail.
	Mail MailEntry `yaml:"mail"`
	// OpenID providers at which people may sign in instead, by name.
	Providers Named[ProviderEntry] `yaml:"providers"`
	// A folder of translations, LANGUAGE.yaml each. English and Dutch are built in.
	Translations string `yaml:"translations"`
}

// RefreshEntry says how long refresh tokens live.
type RefreshEntry struct {
	// Unless it is used.
	Idle Duration `yaml:"idle" default:"720h" min:"1m" max:"8760h"`
	// Since the person allowed it, however often it is used.
	Most Duration `yaml:"most" default:"2160h" min:"1m" max:"17520h"`
	// For how long the one before may be repeated, for clients that lost an answer.
	Grace Duration `yaml:"grace" default:"10s" min:"1s" max:"60s"`
}

// ThemeEntry is the publisher's brand.
type ThemeEntry struct {
	// What people call the publisher. Without one, the file's `name`.
	Name string `yaml:"name"`
	// A picture, SVG or PNG, at most 64 KiB.
	Logo string `yaml:"logo"`
	// The colour of buttons and links, `#rrggbb`. A darker or lighter shade is used where it could not be read.
	Accent string `yaml:"accent"`
}

// MailEntry says through which server mails go.
type MailEntry struct {
	// Host and port.
	Server string `yaml:"server"`
	// The sender: an address, or `Name <address>`.
	From string `yaml:"from"`
	// The name that the server wants. Without one, none is said.
	User string `yaml:"user"`
	// The password that the server wants: ${NAME}.
	Password Reference `yaml:"password"`
	// How the connection is protected.
	TLS string `yaml:"tls" oneof:"starttls tls none" default:"starttls"`
}

// ProviderEntry is an OpenID provider at which people may sign in. Its redirect URI is ISSUER/login/from/NAME.
type ProviderEntry struct {
	// What the button says. Without one, the name with a capital.
	Title string `yaml:"title"`
	// Its issuer, exactly as its tokens say it.
	Issuer string `yaml:"issuer,required"`
	// The client id that it gave.
	ClientID string `yaml:"client_id,required"`
	// The client secret that it gave: ${NAME}.
	ClientSecret Reference `yaml:"client_secret"`
	// What is asked for beside `openid`.
	Scopes List `yaml:"scopes" default:"profile email"`
	// Who signs in there for the first time gets an account. Otherwise they sign in to the one they have, once, to
	// connect the two.
	Create bool `yaml:"create" default:"false"`
}

// HomeEntry says where the deployment itself answers: the issuer of the tokens for the admin API, which is at
// /admin/v1 below it. Clients for it are made by `grantway clients create --environment home`; its scopes are
// clients:read and clients:write, keys:read and keys:write, accounts:read and accounts:write for people, and
// api-tokens:read and api-tokens:write.
type HomeEntry struct {
	// The URL of the issuer and of the admin API, with a host of its own.
	Issuer string `yaml:"issuer"`
	// Where home remembers. Without one, a file in the data folder.
	Store Expanded `yaml:"store"`
	// How its people sign in: operators to the console, partners' people to the portal.
	Login LoginEntry `yaml:"login"`
	// Where operators see and steer everything.
	Console ConsoleEntry `yaml:"console"`
	// Where it is known, outside of the stores, what happened. It counts for all environments, also where home has no issuer.
	Audit AuditEntry `yaml:"audit"`
	// Is told of requests for access, of secrets that are about to end, and of all else that anybody is told: `id`, `kind`,
	// `at` and `detail`.
	Webhook WebhookEntry `yaml:"webhook"`
}

// WebhookEntry is an address that is sent JSON by POST, again and again until it answers with a status of 200 to 299. The
// header Grantway-Signature is `t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA-256, under the secret, of the seconds, a dot and
// the body.
type WebhookEntry struct {
	// Its https URL. Inside a private network it needs `outbound.networks`.
	URL string `yaml:"url"`
	// The secret that the two share: ${NAME}.
	Secret Reference `yaml:"secret"`
}

// ConsoleEntry says where the console answers, on a listener of its own.
type ConsoleEntry struct {
	// The host and port that it listens on; loopback, unless a proxy or a private network guards it.
	Listen string `yaml:"listen" default:"127.0.0.1:8089"`
	// The URL that operators open. Without one, http and the listener's address.
	URL string `yaml:"url"`
}

// PortalEntry says where the developer portal answers. Its documentation is made of this file.
type PortalEntry struct {
	// The URL of the portal, with a host of its own. Without one, there is none.
	URL string `yaml:"url"`
	// Who may ask for access there: anybody, or only members of partners that there are.
	Requests string `yaml:"requests" oneof:"anybody members" default:"anybody"`
}
