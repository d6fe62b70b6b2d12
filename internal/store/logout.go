package store

import (
	"context"
	"time"
)

// A LogoutNotice says that a client is to be told that a session has ended
// (OpenID Connect Back-Channel Logout). Sessions.End queues it in the step that
// ends the session, so that it is sent also after a crash.
type LogoutNotice struct {
	ID        string
	ClientID  string
	AccountID string
	SessionID string
	QueuedAt  time.Time
	Tries     int
	DueAt     time.Time
}

// LogoutNotices is the outbox of notices.
type LogoutNotices interface {
	// Claim returns at most limit notices that are due, and moves their DueAt to
	// the given time so that no other node sends them meanwhile. Tries counts it.
	Claim(ctx context.Context, now, until time.Time, limit int) ([]LogoutNotice, error)

	// Done forgets notices: they arrived, or nobody wants them.
	Done(ctx context.Context, ids []string) error

	// GiveUp forgets a notice that could not be delivered and writes
	// "logout.undelivered" with the session's id. An unknown one returns ErrNotFound.
	GiveUp(ctx context.Context, id string, by By) error
}
