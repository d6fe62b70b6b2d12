package store

import (
	"context"
	"time"
)

// A Notice is something that somebody is to be told: by mail, or by a webhook.
// It waits in the store until it is sent, also over a crash.
type Notice struct {
	ID     string // what it says of what: "secret.ending/SECRET/30d"; each is queued once
	Kind   string // "secret.ending", "access.approved"
	To     string // an e-mail address, or a URL that stands for a webhook
	Detail string // a JSON object for the words; never a secret

	QueuedAt time.Time
	DueAt    time.Time
	Tries    int
}

// Notices is the outbox of notices.
type Notices interface {
	// Queue stores those of the notices that were never queued and returns how many
	// they are. That one was queued is remembered until Purge.
	Queue(ctx context.Context, notices []Notice) (int, error)

	// Claim returns at most limit notices that are due, and moves their DueAt to
	// the given time so that no other node sends them meanwhile. Tries counts it.
	Claim(ctx context.Context, now, until time.Time, limit int) ([]Notice, error)

	// Sent records that notices arrived, or that nobody wants them.
	Sent(ctx context.Context, ids []string, at time.Time) error

	// GiveUp forgets a notice that could not be delivered and writes
	// "notice.undelivered". An unknown one, or one that was sent, returns
	// ErrNotFound.
	GiveUp(ctx context.Context, id string, by By) error

	// Purge forgets at most limit notices that were sent or given up before the
	// given time, and says how many.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)
}
