package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type activity struct{ *Store }

// Activity returns what happened.
func (s *Store) Activity() store.Activity { return activity{s} }

const refusedColumns = `SELECT trace, at, client, secret, api, route, refusal FROM {}refused `

var (
	addTally = sentence(`INSERT INTO {}tally AS t (hour, client, secret, api, event, refusal, happened)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (hour, client, secret, api, event, refusal) DO UPDATE SET happened = t.happened + excluded.happened`)
	insertRefused = sentence(`INSERT INTO {}refused (trace, at, client, secret, api, route, refusal)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`)
	trimRefused = sentence(`DELETE FROM {}refused WHERE client = $1 AND at <
		(SELECT at FROM {}refused WHERE client = $1 ORDER BY at DESC LIMIT 1 OFFSET $2)`)

	// Of one client by itself: asked for by "all, or this one", it is sought among
	// everybody's.
	findTallies   = sentence(addedUp("$7 = ''"))
	findTalliesOf = sentence(addedUp("client = $7"))

	refusedUnder = sentence(refusedColumns + `WHERE trace = $1 ORDER BY at LIMIT 100`)
	refusedOf    = sentence(refusedColumns + `WHERE client = $1 ORDER BY at DESC, trace LIMIT $2`)
	refusedOfAll = sentence(refusedColumns + `ORDER BY at DESC, trace LIMIT $1`)
	purgeTallies = sentence(`DELETE FROM {}tally WHERE (hour, client, secret, api, event, refusal) IN (
		SELECT hour, client, secret, api, event, refusal FROM {}tally WHERE hour < $1 ORDER BY hour LIMIT $2)`)
	purgeRefused = sentence(`DELETE FROM {}refused WHERE (trace, at) IN (
		SELECT trace, at FROM {}refused WHERE at < $1 ORDER BY at LIMIT $2)`)
)

// addedUp reads tallies of whom a condition says. What is not kept apart is added
// up under the empty text.
func addedUp(whose string) string {
	return `SELECT hour, client, secret, api, event, refusal, happened FROM (
			SELECT hour / $1 * $1 AS hour,
				CASE WHEN $2 = 1 THEN client ELSE '' END AS client,
				CASE WHEN $3 = 1 THEN secret ELSE '' END AS secret,
				CASE WHEN $4 = 1 THEN api ELSE '' END AS api,
				event, refusal, CAST(SUM(happened) AS BIGINT) AS happened
			FROM {}tally
			WHERE hour >= $5 AND hour < $6 AND ` + whose + ` AND ($8 = '' OR api = $8)
				AND (event >= '` + store.EventTook + `' AND event < '` + tookEnds + `') = ($16 = 1)
			GROUP BY 1, 2, 3, 4, 5, 6) AS added
		WHERE (hour, client, secret, api, event, refusal) > ($9, $10, $11, $12, $13, $14)
		ORDER BY hour, client, secret, api, event, refusal LIMIT $15`
}

// tookEnds comes after all events that begin with store.EventTook.
const tookEnds = "took/"

// hours is how an hour stands in a column.
func hours(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix() / 3600
}

func hour(hours int64) time.Time { return time.Unix(hours*3600, 0).UTC() }

// Add implements store.Activity.
func (a activity) Add(ctx context.Context, tallies []store.Tally, refused []store.RefusedRequest) error {
	if len(tallies)+len(refused) == 0 {
		return nil
	}
	added, err := tallyRows(tallies)
	var kept, trimmed [][]any
	if err == nil {
		kept, trimmed, err = refusedRows(refused)
	}
	if err == nil {
		err = a.db.write(ctx, func(ctx context.Context, t transaction) error {
			if _, err := t.execEach(ctx, addTally, added); err != nil {
				return err
			}
			if _, err := t.execEach(ctx, insertRefused, kept); err != nil {
				return err
			}
			_, err := t.execEach(ctx, trimRefused, trimmed)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("add activity: %w", err)
	}
	return nil
}

// tallyRows are in one order everywhere, so that two nodes cannot wait for each
// other.
func tallyRows(tallies []store.Tally) ([][]any, error) {
	sorted := slices.SortedFunc(slices.Values(tallies), func(a, b store.Tally) int {
		return cmp.Or(a.Hour.Compare(b.Hour), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Secret, b.Secret),
			cmp.Compare(a.API, b.API), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Refusal, b.Refusal))
	})
	rows := make([][]any, 0, len(sorted))
	for _, t := range sorted {
		if err := checkTimes(t.Hour); err != nil {
			return nil, err
		}
		rows = append(rows, []any{hours(t.Hour), t.Client, t.Secret, t.API, t.Event, t.Refusal, t.Count})
		if err := checkTexts(rows[len(rows)-1]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// refusedRows returns the rows to insert, and for each client those to trim.
func refusedRows(refused []store.RefusedRequest) (rows, trim [][]any, err error) {
	sorted := slices.SortedFunc(slices.Values(refused), func(a, b store.RefusedRequest) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), a.At.Compare(b.At), cmp.Compare(a.Trace, b.Trace))
	})
	for i, r := range sorted {
		if err := checkTimes(r.At); err != nil {
			return nil, nil, err
		}
		rows = append(rows, []any{r.Trace, micros(r.At), r.Client, r.Secret, r.API, r.Route, r.Refusal})
		if err := checkTexts(rows[i]); err != nil {
			return nil, nil, err
		}
		if i == 0 || sorted[i-1].Client != r.Client {
			trim = append(trim, []any{r.Client, int64(store.RefusedKept - 1)})
		}
	}
	return rows, trim, nil
}

// Tallies implements store.Activity.
func (a activity) Tallies(ctx context.Context, q store.TallyQuery) ([]store.Tally, error) {
	step, until := int64(1), hours(latest)
	if q.Days {
		step = 24
	}
	if !q.Until.IsZero() {
		until = (q.Until.Unix() + 3599) / 3600 // an hour that began before it counts
	}
	after := int64(-1)
	if q.After != (store.Tally{}) {
		after = hours(q.After.Hour)
	}
	flag := map[bool]int64{true: 1}
	var all []store.Tally
	found := findTallies
	if q.Client != "" || q.Took { // which have no client
		found = findTalliesOf
	}
	err := a.db.read(ctx, found, func(scan scanFunc) error {
		var (
			t  store.Tally
			at int64
		)
		err := scan(&at, &t.Client, &t.Secret, &t.API, &t.Event, &t.Refusal, &t.Count)
		t.Hour = hour(at)
		all = append(all, t)
		return err
	}, step, flag[q.ByClient], flag[q.BySecret], flag[q.ByAPI], hours(q.Since), until, q.Client, q.API,
		after, q.After.Client, q.After.Secret, q.After.API, q.After.Event, q.After.Refusal, int64(max(q.Limit, 0)), flag[q.Took])
	if err = noRow(err); err != nil {
		return nil, fmt.Errorf("read tallies: %w", err)
	}
	return all, nil
}

// Refused implements store.Activity.
func (a activity) Refused(ctx context.Context, trace string) ([]store.RefusedRequest, error) {
	all, err := a.refused(ctx, refusedUnder, trace)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find what was refused: %w", err)
	}
	return all, nil
}

// RefusedOf implements store.Activity.
func (a activity) RefusedOf(ctx context.Context, client string, limit int) (all []store.RefusedRequest, err error) {
	if client == "" {
		all, err = a.refused(ctx, refusedOfAll, int64(max(limit, 0)))
	} else {
		all, err = a.refused(ctx, refusedOf, client, int64(max(limit, 0)))
	}
	if err != nil {
		return nil, fmt.Errorf("list what was refused: %w", err)
	}
	return all, nil
}

func (a activity) refused(ctx context.Context, s statement, args ...any) ([]store.RefusedRequest, error) {
	var all []store.RefusedRequest
	err := a.db.read(ctx, s, func(scan scanFunc) error {
		var (
			r  store.RefusedRequest
			at int64
		)
		err := scan(&r.Trace, &at, &r.Client, &r.Secret, &r.API, &r.Route, &r.Refusal)
		r.At = instant(at)
		all = append(all, r)
		return err
	}, args...)
	return all, noRow(err)
}

// noRow makes a text that no row can hold a question without an answer.
func noRow(err error) error {
	if err == store.ErrNotFound {
		return nil
	}
	return err
}

// Purge implements store.Activity.
func (a activity) Purge(ctx context.Context, tallies, refused time.Time, limit int) (int, error) {
	var n int64
	err := a.db.write(ctx, func(ctx context.Context, t transaction) error {
		some := int64(max(limit, 0))
		first, err := t.exec(ctx, purgeTallies, hours(tallies), some)
		if err != nil {
			return err
		}
		second, err := t.exec(ctx, purgeRefused, micros(refused), some)
		n = first + second
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge activity: %w", err)
	}
	return int(n), nil
}
