package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// idLength is the length of the ids of people, factors, sessions and devices:
// 131 bits. The ids of clients that the server makes have another length, those of
// a file are at most as long as people chose, so no client can be given an
// account's id, nor an account a client's (row E21).
const idLength = 22

// seenEvery is how often at most it is written down that a session was used.
const seenEvery = time.Minute

// Sessions are the browsers in which people are signed in.
type Sessions struct {
	Store  store.Sessions
	Idle   time.Duration // how long one lives unused
	Life   time.Duration // how long one lives at most
	Forget time.Duration // how long the longest access token lives
	Random io.Reader
	Now    func() time.Time
}

// A Start says what session is to begin.
type Start struct {
	AccountID string
	Verdict   Verdict // must be enough
	Agent     string  // the browser, as [AgentName] calls it

	// Current is the session that the browser has, nil without. It ends; where it
	// is the same person's, the new one has its ID and what was allowed in it goes
	// on.
	Current *store.Session
}

// errNotEnough is a mistake of ours: a session was to begin without enough.
var errNotEnough = errors.New("a session cannot begin: too little was proven")

// Start begins a session with a new handle, which is told nowhere else, whatever
// session there was before (row P08). An account that is unknown or disabled by
// now returns store.ErrNotFound.
func (s *Sessions) Start(ctx context.Context, start Start, by store.By) (secret.Secret, store.Session, error) {
	if !start.Verdict.Enough {
		return secret.Secret{}, store.Session{}, errNotEnough
	}
	handle, err := secret.NewOpaque(s.Random)
	if err != nil {
		return secret.Secret{}, store.Session{}, err
	}
	now := s.Now()
	n := store.Session{
		Hash: handle.Hash(), AccountID: start.AccountID, Methods: start.Verdict.Methods, Agent: start.Agent,
		CreatedAt: now, AuthenticatedAt: start.Verdict.At, SeenAt: now, EndsAt: now.Add(s.Life),
	}
	var replaces secret.Hash
	if c := start.Current; c != nil {
		replaces = c.Hash
		if c.AccountID == start.AccountID {
			n.ID = c.ID
		}
	}
	if n.ID == "" {
		if n.ID, err = secret.NewID(s.Random, idLength); err != nil {
			return secret.Secret{}, store.Session{}, err
		}
	}
	if err := s.Store.Start(ctx, n, replaces, by); err != nil {
		return secret.Secret{}, store.Session{}, fmt.Errorf("sign in: %w", err)
	}
	return handle, n, nil
}

// Find returns the session of a cookie's handle. One that is unknown, has ended or
// was unused for too long, and a text that is no handle, return store.ErrNotFound.
// It writes down that the session was used, at most once a minute for each, so
// what is written down lags by that.
func (s *Sessions) Find(ctx context.Context, handle string) (store.Session, error) {
	hash, ok := secret.ParseOpaque(handle)
	if !ok {
		return store.Session{}, fmt.Errorf("find session: %w", store.ErrNotFound)
	}
	now := s.Now()
	found, err := s.Store.Find(ctx, hash, s.Idle, now)
	if err != nil {
		return store.Session{}, err
	}
	if now.Sub(found.SeenAt) >= seenEvery {
		if err := s.Store.Seen(ctx, hash, now); err != nil {
			return store.Session{}, err
		}
		found.SeenAt = now
	}
	return found, nil
}

// List returns a person's sessions that are good, the one last seen first.
func (s *Sessions) List(ctx context.Context, accountID string) ([]store.Session, error) {
	now := s.Now()
	all, err := s.Store.List(ctx, accountID, now)
	good := all[:0]
	for _, one := range all {
		if one.SeenAt.Add(s.Idle).After(now) {
			good = append(good, one)
		}
	}
	return good, err
}

// End ends one session of a person (signing out), with what was allowed in it and
// does not outlive it. One that the account does not have returns
// store.ErrNotFound.
func (s *Sessions) End(ctx context.Context, accountID, sessionID string, by store.By) error {
	return s.Store.End(ctx, accountID, sessionID, by.At.Add(s.Forget), by)
}

// EndOthers ends all sessions of a person but one, with an empty id all.
func (s *Sessions) EndOthers(ctx context.Context, accountID, keep string, by store.By) error {
	all, err := s.Store.List(ctx, accountID, s.Now())
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.ID == keep {
			continue
		}
		if err := s.End(ctx, accountID, one.ID, by); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}
