package catalogue

// AuditEntry says where it is known, outside of the stores, what happened. In the stores, the changes of each environment
// are sealed into a chain of hashes; see docs/PRIVACY.md, and `grantway audit verify`.
type AuditEntry struct {
	// Where the signed checkpoints of the chains go, so that a chain that was replaced as a whole is found.
	Checkpoints CheckpointsEntry `yaml:"checkpoints"`
	// Is sent every change of all environments, in order, each at least once. The body of a request is JSON: `issuer`,
	// `environment`, `after`, `through` and `changes`.
	Webhook WebhookEntry `yaml:"webhook"`
}

// CheckpointsEntry says where checkpoints go: to a file, to a webhook, or to both.
type CheckpointsEntry struct {
	// A file to which a line is added for each checkpoint. It belongs on another disk than the stores. Each machine that runs
	// this server has its own.
	File string `yaml:"file"`
	// Is sent every checkpoint of all environments. The body of a request is JSON: `issuer`, `environment`, `after`, `through`
	// and `checkpoints`.
	Webhook WebhookEntry `yaml:"webhook"`
}

// RetentionEntry says for how many days is kept what is not needed for ever. Changes are never forgotten, and hold nothing
// personal but the ids of accounts.
type RetentionEntry struct {
	// How often something happened in an hour: tokens, calls and refusals of each client.
	Activity int `yaml:"activity" default:"400" min:"1" max:"4000"`
	// Requests that were refused, one by one: with their trace id, client and reason, and no address.
	Refused int `yaml:"refused" default:"30" min:"1" max:"400"`
	// Who asked for access, and for what purpose, once it was decided. That it was asked, and what was decided, stays.
	Requests int `yaml:"requests" default:"400" min:"30" max:"4000"`
}
