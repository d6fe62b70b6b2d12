package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
)

// A Denial is what is shown of a denial.
type Denial struct {
	Kind         string    `json:"kind" doc:"What ends its tokens: token, grant, secret, client, account or key."`
	ID           string    `json:"id" doc:"The id of that; of a token its jti, of a key its kid."`
	DeniedAt     time.Time `json:"denied_at" doc:"When it was said."`
	IssuedBefore time.Time `json:"issued_before" doc:"Tokens issued up to here are ended."`
	ForgetAt     time.Time `json:"forget_at" doc:"No token it is about lives longer."`
	Actor        string    `json:"actor" doc:"Who said it."`
	Stored       bool      `json:"stored" doc:"The store has it. Else it is in force all the same, and written when the store answers."`
}

// A NewDenial says whose tokens end.
type NewDenial struct {
	Kind  string  `json:"kind" doc:"token, grant, secret, client or account. A key has a path of its own."`
	ID    *string `json:"id,omitempty" doc:"The id of that; of a token its jti."`
	Token *string `json:"token,omitempty" doc:"Instead of the id: the access token itself."`
	For   *int64  `json:"for,omitempty" doc:"End the tokens, too, that are issued in the next so many seconds; a day at most. Absent: none."`
}

// A SignedDenial is a denial for other nodes.
type SignedDenial struct {
	Signed string `json:"signed" doc:"What the node answered that denied."`
}

// Denied is a denial that is in force.
type Denied struct {
	Denial Denial `json:"denial" doc:"What was denied."`
	Signed string `json:"signed" doc:"The same for the environment's other nodes: post it to their denials/signed while they cannot read the store."`
}

// DenialList is the denials that wait for the store.
type DenialList struct {
	Denials []Denial `json:"denials" doc:"The oldest first."`
}

func listDenials(c *call) (DenialList, error) {
	denials, err := c.denials()
	if err != nil {
		return DenialList{}, err
	}
	list := DenialList{Denials: []Denial{}}
	for _, d := range denials.Pending() {
		list.Denials = append(list.Denials, shownDenial(&d, false))
	}
	return list, nil
}

func deny(c *call, sent NewDenial) (Denied, error) {
	one := revocation.Denial{Kind: sent.Kind}
	var faults partner.Faults
	fault := func(field, problem, hint string) {
		faults = append(faults, partner.Fault{Field: field, Problem: problem, Hint: hint})
	}
	if sent.Kind == store.RevokedKey {
		fault("kind", "is not for this path", "POST "+c.below("keys")+"/{key}/deny")
	}
	switch {
	case sent.ID != nil && sent.Token != nil:
		fault("token", "stands beside an id", "send one of them")
	case sent.Token != nil && sent.Kind != store.RevokedToken:
		fault("token", "is no "+sent.Kind, "send it with kind token")
	case sent.ID == nil && sent.Token == nil:
		fault("id", "is missing", "")
	case sent.ID != nil:
		one.ID = *sent.ID
	}
	if sent.For != nil {
		if *sent.For < 0 || *sent.For > int64(revocation.Longest/time.Second) {
			fault("for", "is not between 0 seconds and a day", "deny again when it is over")
		}
		one.Before = c.api.Now().Add(time.Duration(*sent.For) * time.Second)
	}
	if len(faults) > 0 {
		return Denied{}, faults
	}
	if sent.Token != nil {
		var err error
		if one.ID, one.Forget, err = c.tokenID(strings.TrimSpace(*sent.Token)); err != nil {
			return Denied{}, err
		}
		one.Before = time.Time{} // it was issued already
	}
	return c.denied(one)
}

func denyKey(c *call) (Denied, error) {
	one := revocation.Denial{Kind: store.RevokedKey, ID: c.PathValue("key")}
	if !c.knows(one.ID) {
		return Denied{}, &Problem{Status: http.StatusNotFound, Detail: "There is no such key in this environment that signs or is published; one that is gone ended its tokens already."}
	}
	return c.denied(one)
}

// knows reports whether this server has a key, or had it denied.
func (c *call) knows(kid string) bool {
	for _, purpose := range purposes {
		if ring := c.api.Keys(c.clients.Environment.Name, purpose); ring != nil && ring.Holds(kid) {
			return true
		}
	}
	denials, err := c.denials()
	return err == nil && slices.ContainsFunc(denials.Pending(), func(d revocation.Denial) bool { return d.Kind == store.RevokedKey && d.ID == kid })
}

// denied says who denies, and that it was done.
func (c *call) denied(one revocation.Denial) (Denied, error) {
	denials, err := c.denials()
	if err != nil {
		return Denied{}, err
	}
	by := c.by()
	one.Actor, one.Trace = by.Actor, by.Trace
	done, err := denials.Deny(c.Context(), one)
	return answered(&done, err)
}

func acceptDenial(c *call, sent SignedDenial) (Denied, error) {
	denials, err := c.denials()
	if err != nil {
		return Denied{}, err
	}
	done, err := denials.Accept(c.Context(), sent.Signed)
	return answered(&done, err)
}

func answered(done *revocation.Denied, err error) (Denied, error) {
	if err != nil {
		return Denied{}, denialProblem(err)
	}
	return Denied{Denial: shownDenial(&done.Denial, done.Stored), Signed: done.Signed}, nil
}

func shownDenial(d *revocation.Denial, stored bool) Denial {
	return Denial{
		Kind: d.Kind, ID: d.ID, DeniedAt: d.At.UTC(), IssuedBefore: d.Before.UTC(), ForgetAt: d.Forget.UTC(), Actor: d.Actor, Stored: stored,
	}
}

// denials are those of the environment that the path names.
func (c *call) denials() (*revocation.Denials, error) {
	return ofEnvironment(c, c.api.Denials, "In this environment nothing can be denied.")
}

func (c *call) tokenID(token string) (string, time.Time, error) {
	if c.api.TokenID == nil {
		return "", time.Time{}, store.ErrUnavailable
	}
	id, ends, err := c.api.TokenID(c.Context(), c.clients.Environment.Name, token)
	switch {
	case errors.Is(err, store.ErrUnavailable):
		return "", time.Time{}, &Problem{
			Status: http.StatusServiceUnavailable,
			Detail: "The token says nothing of itself, and the store does not answer. It is refused everywhere meanwhile. Deny its client or its secret to be safe when the store is back.",
		}
	case err != nil:
		return "", time.Time{}, partner.Faults{{
			Field: "token", Problem: "is no live access token of this environment, or has ended already", Hint: "look at its iss claim; an expired one need not be denied",
		}}
	}
	return id, ends, nil
}

func denialProblem(err error) error {
	invalid := func(field string, hint string) error {
		return partner.Faults{{Field: field, Problem: err.Error(), Hint: hint}}
	}
	switch {
	case errors.Is(err, revocation.ErrForged):
		return invalid("signed", "hand it to the environment that signed it, as it was printed; a key that was removed signs nothing any more")
	case errors.Is(err, revocation.ErrOver), errors.Is(err, revocation.ErrTimes):
		return invalid("signed", "compare the clocks of both machines")
	case errors.Is(err, revocation.ErrKind):
		return invalid("kind", "")
	case errors.Is(err, revocation.ErrID):
		return invalid("id", "")
	case errors.Is(err, revocation.ErrTooMany):
		return &Problem{Status: http.StatusConflict, Detail: "Too many denials wait for the store. Deny the client, the secret or the key that the tokens have in common."}
	case errors.Is(err, revocation.ErrNotDurable):
		return &Problem{
			Status: http.StatusInsufficientStorage,
			Detail: "It is in force, and lost when this server stops before the store answers: the data folder cannot be written. Make room there and deny again.",
		}
	case errors.Is(err, revocation.ErrUnsigned):
		return &Problem{Status: http.StatusConflict, Detail: "It is in force at this server and its gateways, but there is no key to sign it for others. Deny at each server by itself."}
	}
	return err
}
