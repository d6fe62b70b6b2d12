package admin

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/grantway/grantway/internal/audit"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
)

// MaxSealedPage is how many changes or seals a page has at most: there are many, and
// whoever verifies reads all of them.
const MaxSealedPage = 1000

// Audited is what an environment's changes are verified by.
type Audited struct {
	Changes store.Changes
	Seals   store.Seals
	Marks   store.Marks
	Keys    *keys.Ring // that sign checkpoints

	Ledger  string // the file of checkpoints on this machine; empty: there is none
	Told    bool   // a webhook is sent checkpoints
	Webhook bool   // a webhook is sent changes
}

// SealedChanges is a page of changes, as they are sealed.
type SealedChanges struct {
	Changes []audit.Entry `json:"changes" doc:"The oldest first; at most as many as limit says. The next page is that after the last seq."`
	Newest  int64         `json:"newest" doc:"The number of the newest change there is."`
}

// SealPage is a page of seals.
type SealPage struct {
	Seals []audit.Seal `json:"seals" doc:"The oldest first; at most as many as limit says. The next page is that after the last from."`
}

// AuditKeys are the keys that sign checkpoints.
type AuditKeys struct {
	Keys []AuditKey `json:"keys" doc:"Those that are gone, too: what they signed is to be verified for ever."`
}

// An AuditKey is a key that signs checkpoints.
type AuditKey struct {
	ID    string `json:"id" doc:"Its kid, as checkpoints name it."`
	State string `json:"state" doc:"standby, active, retired or gone."`
	JWK   string `json:"jwk" doc:"The public key (RFC 7517), as a text."`
}

// AuditStatus is how far sealing and passing on are.
type AuditStatus struct {
	Newest      int64     `json:"newest" doc:"The number of the newest change."`
	Sealed      int64     `json:"sealed" doc:"The last change that is sealed."`
	SealedAt    time.Time `json:"sealed_at,omitzero" doc:"When the last seal was made; absent: there is none."`
	Waiting     int64     `json:"waiting" doc:"How many changes wait to be sealed."`
	WaitingFrom time.Time `json:"waiting_from,omitzero" doc:"When the oldest of them happened."`
	Ledger      string    `json:"ledger,omitempty" doc:"The file of checkpoints on the server's machine; absent: there is none."`
	Checkpoints *Passed   `json:"checkpoints,omitempty" doc:"How far the webhook of checkpoints is; absent: there is none."`
	Webhook     *Passed   `json:"webhook,omitempty" doc:"How far the webhook of changes is; absent: there is none."`
}

// Passed is how far a webhook is.
type Passed struct {
	Through int64     `json:"through" doc:"The last change that it acknowledged; of checkpoints, the first change that the last one is about."`
	At      time.Time `json:"at,omitzero" doc:"When it did; absent: it never did."`
}

func ofAudit() []route {
	const seals = here + "/seals"
	return []route{
		{"GET", seals, ReadChanges, "listSeals", "The seals over the changes, with their checkpoints: the oldest first", 200, []string{"limit", "after"}, plain(listSeals)},
		{"GET", seals + "/changes", ReadChanges, "listSealedChanges", "The changes as they are sealed: the oldest first", 200, []string{"limit", "after"}, plain(listSealedChanges)},
		{"GET", seals + "/keys", ReadChanges, "listAuditKeys", "The keys that sign checkpoints", 200, nil, plain(listAuditKeys)},
		{"GET", seals + "/status", ReadChanges, "auditStatus", "How far sealing is, and what is passed on", 200, nil, plain(auditStatus)},
	}
}

func (c *call) audited() (*Audited, error) {
	return ofEnvironment(c, c.api.Audited, "This environment seals no changes.")
}

// numbers reads limit and after, which is a number here: a chain is read for longer
// than a cursor is good, and going on elsewhere is no harm.
func (c *call) numbers() (after int64, limit int, err error) {
	after, limit = math.MinInt64, MaxSealedPage
	if text := c.sent.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > MaxSealedPage || strconv.Itoa(limit) != text {
			return 0, 0, badQuery("limit", "is no whole number from 1 to "+strconv.Itoa(MaxSealedPage), "")
		}
	}
	if text := c.sent.Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || strconv.FormatInt(after, 10) != text {
			return 0, 0, badQuery("after", "is not the number of a change", "")
		}
	}
	return after, limit, nil
}

func listSeals(c *call) (SealPage, error) {
	from, err := c.audited()
	if err != nil {
		return SealPage{}, err
	}
	after, limit, err := c.numbers()
	if err != nil {
		return SealPage{}, err
	}
	found, err := from.Seals.Since(c.Context(), after, limit)
	page := SealPage{Seals: []audit.Seal{}}
	for _, s := range found {
		page.Seals = append(page.Seals, audit.SealOf(s))
	}
	return page, err
}

func listSealedChanges(c *call) (SealedChanges, error) {
	from, err := c.audited()
	if err != nil {
		return SealedChanges{}, err
	}
	after, limit, err := c.numbers()
	if err != nil {
		return SealedChanges{}, err
	}
	page := SealedChanges{Changes: []audit.Entry{}}
	if page.Newest, err = from.Changes.Last(c.Context()); err != nil {
		return SealedChanges{}, err
	}
	found, err := from.Changes.Since(c.Context(), after, limit)
	for _, one := range found {
		page.Changes = append(page.Changes, audit.EntryOf(one))
	}
	return page, err
}

func listAuditKeys(c *call) (AuditKeys, error) {
	from, err := c.audited()
	if err != nil {
		return AuditKeys{}, err
	}
	all, err := from.Keys.List(c.Context())
	shown := AuditKeys{Keys: []AuditKey{}}
	for _, k := range all {
		shown.Keys = append(shown.Keys, AuditKey{ID: k.ID, State: k.State(), JWK: string(k.Public)})
	}
	return shown, err
}

func auditStatus(c *call) (AuditStatus, error) {
	from, err := c.audited()
	if err != nil {
		return AuditStatus{}, err
	}
	ctx := c.Context()
	shown := AuditStatus{Ledger: from.Ledger}
	if shown.Newest, err = from.Changes.Last(ctx); err != nil {
		return AuditStatus{}, err
	}
	last, err := from.Seals.Last(ctx)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return AuditStatus{}, err
	}
	shown.Sealed, shown.SealedAt = last.Through, last.At
	waiting, err := from.Changes.Since(ctx, last.Through, 1)
	if err != nil {
		return AuditStatus{}, err
	}
	if shown.Waiting = max(0, shown.Newest-shown.Sealed); len(waiting) > 0 {
		shown.WaitingFrom = waiting[0].At
	}
	for _, hook := range []struct {
		there bool
		mark  string
		into  **Passed
	}{{from.Told, audit.MarkCheckpoints, &shown.Checkpoints}, {from.Webhook, audit.MarkChanges, &shown.Webhook}} {
		if hook.there {
			passed := &Passed{}
			if passed.Through, passed.At, err = from.Marks.At(ctx, hook.mark); err != nil {
				return AuditStatus{}, err
			}
			*hook.into = passed
		}
	}
	return shown, nil
}
