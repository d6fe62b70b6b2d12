package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// A Batch is the body of one request to a webhook.
type Batch struct {
	Issuer      string   `json:"issuer"`
	Environment string   `json:"environment"`
	After       int64    `json:"after"`   // what was sent before ends here
	Through     int64    `json:"through"` // the last one of this batch: send it again, and it is the same or longer
	Changes     []Entry  `json:"changes,omitempty"`
	Checkpoints []string `json:"checkpoints,omitempty"`
}

// Marks of how far webhooks have come.
const (
	MarkChanges     = "audit.changes"
	MarkCheckpoints = "audit.checkpoints"
)

const (
	// sendBytes is how large a batch becomes, unless one change alone is larger.
	sendBytes = 256 << 10
	sendMost  = 500

	// sendBatches is how many batches are sent until others have their turn.
	sendBatches = 50

	// sendLease is how long a node that died keeps others from sending.
	sendLease = time.Minute
)

// A Sender sends what happened to a webhook: in order, each at least once, from
// where the last process left off. It is for one environment. Use one at a time.
type Sender struct {
	Issuer, Environment string
	Mark                string // MarkChanges or MarkCheckpoints: what it sends
	Changes             store.Changes
	Seals               store.Seals
	Marks               store.Marks
	Holder              string // this process
	Secret              secret.Secret
	Now                 func() time.Time

	// Post sends a body and its signature to the webhook, and returns the status.
	Post func(ctx context.Context, signature string, body []byte) (status int, err error)
}

// Send sends what there is, 50 batches at most, and returns how many those were. An
// error means that the webhook, or the store, did not take one: call it again later.
// That another process is sending is none.
func (s *Sender) Send(ctx context.Context) (int, error) {
	sent := 0
	for ; sent < sendBatches; sent++ {
		now := s.Now()
		at, err := s.Marks.Hold(ctx, s.Mark, s.Holder, now, now.Add(sendLease))
		if errors.Is(err, store.ErrConflict) {
			return sent, nil
		}
		if err != nil {
			return sent, err
		}
		batch, to, err := s.next(ctx, at)
		if err != nil || to == at {
			return sent, err
		}
		if err := s.post(ctx, batch); err != nil {
			return sent, err
		}
		now = s.Now()
		if err := s.Marks.Move(ctx, s.Mark, s.Holder, to, now, now.Add(sendLease)); err != nil {
			return sent, err // it is sent again
		}
	}
	return sent, nil
}

// next is what follows, and where the mark stands after it.
func (s *Sender) next(ctx context.Context, at int64) (*Batch, int64, error) {
	b := &Batch{Issuer: s.Issuer, Environment: s.Environment, After: at, Through: at}
	size := 0
	if s.Mark == MarkCheckpoints {
		seals, err := s.Seals.Since(ctx, at, sendMost)
		for _, one := range seals {
			if size += len(one.Checkpoint); size > sendBytes && len(b.Checkpoints) > 0 {
				break
			}
			b.Checkpoints, b.Through, at = append(b.Checkpoints, one.Checkpoint), one.Through, one.From
		}
		return b, at, err
	}
	changes, err := s.Changes.Since(ctx, at, sendMost)
	for _, one := range changes {
		if size += 200 + len(one.Detail); size > sendBytes && len(b.Changes) > 0 {
			break
		}
		b.Changes, b.Through, at = append(b.Changes, EntryOf(one)), one.Seq, one.Seq
	}
	return b, at, err
}

func (s *Sender) post(ctx context.Context, b *Batch) error {
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	status, err := s.Post(ctx, s.Secret.Signature(s.Now(), body), body)
	if err != nil {
		return fmt.Errorf("send to the webhook: %w", err)
	}
	if status < 200 || status > 299 {
		return fmt.Errorf("send to the webhook: it answered with status %d", status)
	}
	return nil
}

// Pause is how long to wait after so many failures in a row: 5 seconds at first, and
// 5 minutes in the end.
func Pause(failures int) time.Duration {
	return min(5*time.Minute, time.Duration(float64(5*time.Second)*math.Pow(2, float64(min(failures, 10)-1))))
}
