package catalogue

import "time"

// Audit says where it is known, outside of the stores, what happened.
type Audit struct {
	Checkpoints string   // the file; empty: there is none
	Told        *Webhook // of checkpoints; nil: nobody is
	Webhook     *Webhook // of changes; nil: nobody is
}

// Retention says for how long things are kept.
type Retention struct{ Activity, Refused, Requests time.Duration }

const oneDay = 24 * time.Hour

// DefaultRetention is that of a file that says nothing about it.
var DefaultRetention = Retention{Activity: 400 * oneDay, Refused: 30 * oneDay, Requests: 400 * oneDay}

// audit resolves where what happened is known.
func (r *resolver) audit(v *AuditEntry) Audit {
	return Audit{
		Checkpoints: v.Checkpoints.File,
		Told:        r.webhook("home.audit.checkpoints.webhook", &v.Checkpoints.Webhook),
		Webhook:     r.webhook("home.audit.webhook", &v.Webhook),
	}
}

func retention(v *RetentionEntry) Retention {
	days := func(n int) time.Duration { return time.Duration(n) * oneDay }
	return Retention{Activity: days(v.Activity), Refused: days(v.Refused), Requests: days(v.Requests)}
}
