package server

import (
	"context"
	"errors"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/store"
)

// newRecorder makes what collects the activity of an environment. The clients of
// grantway.yaml may be others at the next flush, so they are asked about there.
func (s *Server) newRecorder(r *resources) *activity.Recorder {
	return activity.NewRecorder(activity.Settings{
		Activity: r.store.Activity(), Secrets: r.store.Secrets(), ScopeUses: r.store.ScopeUses(), Now: s.options.Now,
		Known: func(ctx context.Context, client string) (bool, error) {
			find := r.clients.Find
			if e := s.current.Load().of(r); e != nil {
				find = e.Find
			}
			_, err := find(ctx, client)
			if errors.Is(err, store.ErrNotFound) {
				return false, nil
			}
			return err == nil, err
		},
	})
}

// record gives a fact to its environment's recorder.
func (s *Server) record(fact *activity.Fact) {
	if r := s.current.Load().resources(fact.Environment); r != nil {
		r.activity.Record(fact)
	}
}

// activity is what happened in an environment, nil when there is none of that name.
func (s *Server) activity(environment string) store.Activity {
	if r := s.current.Load().resources(environment); r != nil {
		return recent{r.store.Activity(), r.activity}
	}
	return nil
}

// recent is what happened, with what is not written yet: who asks why a request
// was refused has often just got the answer.
type recent struct {
	store.Activity
	recorder *activity.Recorder
}

// Refused implements store.Activity.
func (a recent) Refused(ctx context.Context, trace string) ([]store.RefusedRequest, error) {
	found, err := a.Activity.Refused(ctx, trace)
	if !errors.Is(err, store.ErrNotFound) {
		return found, err
	}
	if err := a.recorder.Flush(ctx); err != nil {
		return nil, err
	}
	return a.Activity.Refused(ctx, trace)
}

// of is the environment that uses the resources, nil when none does.
func (g *generation) of(r *resources) *environment {
	if g == nil {
		return nil
	}
	for _, e := range g.environments {
		if e.resources == r {
			return e
		}
	}
	return nil
}

// purge forgets expired opaque tokens, old activity and the answers to requests that
// are sent again no more, some at a time so that no request waits for it long.
func (r *resources) purge(ctx context.Context, idle time.Duration) error {
	const some = 1000
	now := r.now()
	tokens := func() (int, error) { return r.store.Tokens().Purge(ctx, now, some) }
	keep := r.audit.retention()
	asking := func() (int, error) { return r.store.AccessRequests().Forget(ctx, now.Add(-keep.Requests), some) } // home's; elsewhere there are none
	unconfirmed := func() (int, error) { return r.store.UnconfirmedRequests().Purge(ctx, now, some) }            // the same
	activity := func() (int, error) {
		return r.store.Activity().Purge(ctx, now.Add(-keep.Activity), now.Add(-keep.Refused), some)
	}
	replays := func() (int, error) { return r.store.Replays().Purge(ctx, now.Add(-admin.KeepReplays), some) }
	var failed error
	for _, step := range append(r.overForPeople(ctx, now, some, idle), tokens, activity, asking, unconfirmed, replays) {
		for n, err := some, error(nil); n >= some && err == nil; {
			n, err = step()
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
