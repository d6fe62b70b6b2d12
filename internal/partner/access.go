package partner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// Limits of what is asked for.
const (
	MaxPurpose = 2000 // characters, and of the reason for a decision
	MaxOpen    = 20   // open requests of one partner, and of one account
	MaxUnknown = 100  // open requests of strangers together
)

// requestID is the length of a request's id.
const requestID = 16

// Asking is a request for a client. Who is signed in asks as an account, for a
// partner of theirs or one that is to be made; a stranger says who they are.
type Asking struct {
	PartnerID string // empty: a partner is made of Organised
	AccountID string // empty: a stranger

	Organised string // the organisation's name; needed without PartnerID
	Person    string // a stranger's name
	Email     string // a stranger's address, where the answer goes
	Network   string // from which a stranger asks; empty: unknown
	Language  string // in which a stranger reads mails, as a BCP 47 tag; empty: English

	Environment string
	Application string // its name
	Type        string // empty: machine
	Purpose     string // why; people read it
	Redirects   []string
	APIs        []string // as of New
	Scopes      []string
}

// Ask stores a request, which is open from then on. Every fault is reported at once,
// under the names partner, organisation, person, email, environment, application, type,
// purpose, redirect_uris, apis and scopes. store.ErrSpent: there are too many open ones.
// A stranger who asks by themselves goes by AskUnknown.
func (p *Partners) Ask(ctx context.Context, a Asking, by store.By) (store.AccessRequest, error) {
	by = p.stamp(by)
	r, err := p.judged(ctx, a, by)
	if err != nil {
		return store.AccessRequest{}, err
	}
	return r, p.open(ctx, r, store.AccessLimits{Open: MaxUnknown}, by)
}

// judged is what is asked for, where nothing is wrong with it.
func (p *Partners) judged(ctx context.Context, a Asking, by store.By) (store.AccessRequest, error) {
	r := store.AccessRequest{
		PartnerID: a.PartnerID, AccountID: a.AccountID, Environment: a.Environment, AskedAt: by.At,
		Purpose: strings.TrimSpace(strings.ReplaceAll(a.Purpose, "\r\n", "\n")),
	}
	var faults Faults
	judgeText("purpose", r.Purpose, &faults)
	if r.Purpose == "" {
		faults.add("purpose", "is missing", "say what the application does with the API")
	}
	if err := p.asker(ctx, a, &r, &faults); err != nil {
		return store.AccessRequest{}, err
	}
	if err := p.wanted(a, &r, &faults); err != nil {
		return store.AccessRequest{}, err
	}
	if len(faults) > 0 {
		return store.AccessRequest{}, faults
	}
	var err error
	r.ID, err = secret.NewID(p.Random, requestID)
	return r, err
}

// open stores a request, and tells the publisher of it.
func (p *Partners) open(ctx context.Context, r store.AccessRequest, limits store.AccessLimits, by store.By) error {
	p.asking.Lock()
	defer p.asking.Unlock()
	err := p.room(ctx, &r)
	if err == nil {
		err = p.Access.Ask(ctx, r, limits, by)
	}
	if err == nil {
		p.announce(ctx, &r)
	}
	return err
}

// announce tells the publisher of a request that is open. Whoever asks has done what
// they could: an error would make them ask twice.
func (p *Partners) announce(ctx context.Context, r *store.AccessRequest) {
	_ = p.tell(ctx, NoticeAsked, r.ID, said{Environment: r.Environment, Request: r.ID}, p.publisher())
}

// asker looks at who asks.
func (p *Partners) asker(ctx context.Context, a Asking, r *store.AccessRequest, faults *Faults) error {
	if a.AccountID == "" {
		r.Person = normalised(a.Person)
		judgeName("person", r.Person, faults)
		r.Email = judgeAddress(a.Email, faults)
		if a.PartnerID != "" {
			faults.add("partner", "only its members ask for a partner", "sign in first")
			return nil
		}
	} else {
		account, err := p.Accounts.Find(ctx, a.AccountID)
		if err != nil {
			return err
		}
		r.Person, r.Email = account.Profile.FullName, account.Profile.Email
	}
	if a.PartnerID == "" {
		r.Organised = normalised(a.Organised)
		judgeName("organisation", r.Organised, faults)
		return nil
	}
	is, err := p.Store.Find(ctx, a.PartnerID)
	if errors.Is(err, store.ErrNotFound) || err == nil && is.Role(a.AccountID) == "" {
		faults.add("partner", quote(a.PartnerID)+" is not a partner of which the account is a member", "")
		return nil
	}
	if err == nil && is.Disabled() {
		faults.add("partner", "is disabled", "ask the publisher why")
	}
	r.Organised = is.Name
	return err
}

// wanted looks at what is asked for: whether the client could be registered as it
// would be.
func (p *Partners) wanted(a Asking, r *store.AccessRequest, faults *Faults) error {
	c := p.environment(a.Environment)
	if c == nil {
		var known []string
		for _, c := range p.Environments() {
			known = append(known, c.Environment.Name)
		}
		faults.add("environment", quote(a.Environment)+" is not an environment", several("known are ", known))
		return nil
	}
	client, found, err := c.resulting(New{
		Name: a.Application, Type: a.Type, APIs: a.APIs, Scopes: a.Scopes, SignIn: store.SignIn{Redirects: slices.Clone(a.Redirects)},
	}, r.AskedAt)
	if err != nil {
		return err
	}
	if client.Type == store.TypeResource {
		found = Faults{{Field: "type", Problem: "an API is registered by the publisher", Hint: "ask for a machine, web, native or browser client"}}
	}
	for _, fault := range found {
		if fault.Field == "name" {
			fault.Field = "application"
		}
		*faults = append(*faults, fault)
	}
	r.ClientID, r.Application, r.Type = client.ID, client.Name, client.Type
	r.Redirects, r.Wanted = client.SignIn.Redirects, client.Allotted
	return nil
}

// room: two nodes that ask at the same moment can exceed the limit by one, which
// harms nothing. Those of strangers the store counts.
func (p *Partners) room(ctx context.Context, r *store.AccessRequest) error {
	for _, q := range []store.AccessQuery{{PartnerID: r.PartnerID}, {AccountID: r.AccountID}} {
		if q == (store.AccessQuery{}) {
			continue
		}
		q.Open, q.Limit = true, MaxOpen
		open, err := p.Access.List(ctx, q)
		if err != nil {
			return err
		}
		if len(open) >= MaxOpen {
			return store.ErrSpent
		}
	}
	return nil
}

// Refuse decides that a request is not granted. People read the reason.
func (p *Partners) Refuse(ctx context.Context, id, reason string, by store.By) error {
	reason, faults := reasoned(reason)
	if reason == "" {
		faults.add("reason", "is missing", "say why, and what would help: they read it")
	}
	if len(faults) > 0 {
		return faults
	}
	r, err := p.Access.Find(ctx, id)
	if err == nil {
		err = p.Access.Decide(ctx, id, store.Decision{Decision: store.DecisionRefused, Reason: reason}, p.stamp(by))
	}
	if err != nil {
		return err
	}
	return p.tell(ctx, NoticeRefused, r.ID, said{Environment: r.Environment, Request: r.ID, Reason: reason}, p.whoAsked(ctx, r))
}

// Withdraw takes a request back, for whoever asked.
func (p *Partners) Withdraw(ctx context.Context, id string, by store.By) error {
	return p.Access.Decide(ctx, id, store.Decision{Decision: store.DecisionWithdrawn}, p.stamp(by))
}

// Requests returns the requests that q asks for, the newest first. More says
// whether there are further ones.
func (p *Partners) Requests(ctx context.Context, q store.AccessQuery) (requests []store.AccessRequest, more bool, err error) {
	limit := q.Limit
	q.Limit++
	requests, err = p.Access.List(ctx, q)
	return requests[:min(len(requests), limit)], len(requests) > limit, err
}

// Request returns one request.
func (p *Partners) Request(ctx context.Context, id string) (store.AccessRequest, error) {
	return p.Access.Find(ctx, id)
}

// reasoned is a reason as it is kept.
func reasoned(text string) (string, Faults) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	var faults Faults
	judgeText("reason", text, &faults)
	return text, faults
}

// judgeText looks at a text of several lines that people are shown.
func judgeText(field, text string, faults *Faults) {
	if !utf8.ValidString(text) {
		faults.add(field, "is not UTF-8", "")
		return
	}
	if n := utf8.RuneCountInString(text); n > MaxPurpose {
		faults.add(field, fmt.Sprintf("has %d characters; %d is the limit", n, MaxPurpose), "")
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		for part := range slices.Chunk([]rune(line), MaxName) {
			if problem, hint := wire.CheckName(string(part)); problem != "" {
				faults.add(field, problem, hint)
				return
			}
		}
	}
}

// narrowed is the part of what was wanted that is to be allowed. Nothing that was
// not wanted can be in it. Scopes nil: all of it; else names, aliases or unique
// endings of scopes, at every API that calls one so, "API SCOPE" for one of them, and
// names of APIs that have none.
func (c *Clients) narrowed(wanted map[string][]string, scopes []string, faults *Faults) map[string][]string {
	if scopes == nil {
		return wanted
	}
	if len(scopes) > maxScopes {
		faults.add("scopes", fmt.Sprintf("more than %d are named", maxScopes), "write "+AllScopes)
		return nil
	}
	is := map[string][]string{}
	for i, text := range scopes {
		if bare, ok := wanted[text]; ok && len(bare) == 0 {
			is[text] = []string{}
			continue
		}
		fit := c.fitting(wanted, text)
		switch {
		case len(fit) == 0:
			faults.add(at("scopes", i), quote(text)+" was not asked for", several("asked for are ", flat(wanted)))
		case len(fit) > 1 && fit[0][1] != text:
			faults.add(at("scopes", i), fmt.Sprintf("%s fits %d scopes that were asked for", quote(text), len(fit)), "write more of one")
		default: // several APIs may call a scope the same
			for _, f := range fit {
				if !slices.Contains(is[f[0]], f[1]) {
					is[f[0]] = append(is[f[0]], f[1])
				}
			}
		}
	}
	if len(is) == 0 && len(*faults) == 0 {
		faults.add("scopes", "none is left", "refuse the request instead")
	}
	return is
}

// flat are the names of what is allotted: scopes, and APIs that have none.
func flat(allotted map[string][]string) []string {
	var all []string
	for _, api := range slices.Sorted(maps.Keys(allotted)) {
		if len(allotted[api]) == 0 {
			all = append(all, api)
		}
		all = append(all, allotted[api]...)
	}
	return all
}
