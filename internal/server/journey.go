package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/login"
	"github.com/grantway/grantway/internal/mail"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// pageKeys are what the pages of an environment keep over reloads.
type pageKeys struct {
	forms    *keys.Derivation
	factors  *keys.Derivation
	attempts *account.Attempts
	outgoing *mail.Queue    // nil until there is a mail server
	mailed   catalogue.Mail // what outgoing sends by
	shown    *mail.Kept     // nil but in a demonstration
	stop     func()         // ends outgoing; nil: it does not run
	room     chan struct{}  // one for each thing that goes on beside an answer
}

// newPersons makes the checker of people's passwords. It is none of the clients',
// and leaves the token endpoint half of the machine however many sign in.
func newPersons(o Options) (*secret.Checker, error) {
	return secret.NewChecker(o.Random, secret.Limits{Parallel: max(1, runtime.GOMAXPROCS(0)/2)})
}

// openPages opens what the pages of an environment need, once.
func (s *Server) openPages(ctx context.Context, e *catalogue.Environment, r *resources) (*pageKeys, error) {
	settings := keys.Settings{Environment: e.Name, Purpose: keys.Forms, Keys: r.store.Keys(), Seal: s.options.Seal, Now: s.options.Now}
	forms, err := keys.OpenDerivation(ctx, settings, s.options.Random, s.by())
	if err != nil {
		return nil, err
	}
	settings.Purpose = keys.Factors
	factors, err := keys.OpenDerivation(ctx, settings, s.options.Random, s.by())
	if err != nil {
		return nil, err
	}
	return &pageKeys{forms: forms, factors: factors, attempts: account.NewAttempts(s.options.Now), room: make(chan struct{}, mostBeside)}, nil
}

// sender is what sends the mails of a reading of the catalogue, which is not in force
// yet: post puts it in force. A demonstration shows its mails on a page.
func (s *Server) sender(e *catalogue.Environment, kept *pageKeys) mail.Sender {
	switch m := e.Login.Mail; {
	case m.Server != "":
		if kept.outgoing == nil {
			kept.outgoing = mail.NewQueue(s.mailing(m))
		}
		return kept.outgoing
	case s.options.Mark == store.MarkDev:
		if kept.shown == nil {
			kept.shown = &mail.Kept{Now: s.options.Now}
		}
		return kept.shown
	}
	return mail.Unsent{}
}

func (s *Server) mailing(m catalogue.Mail) mail.Config {
	return mail.Config{
		Server: m.Server, From: m.From, User: m.User, Password: m.Password, TLS: m.TLS, Now: s.options.Now, Random: s.options.Random,
	}
}

// post has the mails of an environment sent by what its reading of the catalogue
// says, which is in force now. Those that wait are among them.
func (s *Server) post(e *environment) {
	if e.Login == nil || e.Login.Mail.Server == "" {
		return
	}
	kept := e.resources.people.Load().pages
	if !sameMail(kept.mailed, e.Login.Mail) {
		kept.mailed = e.Login.Mail
		kept.outgoing.Use(s.mailing(kept.mailed))
	}
	if kept.stop != nil {
		return
	}
	log := s.options.Log.With("environment", e.Name)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		kept.outgoing.Run(ctx, func(err error, last bool) {
			log.Warn("a mail was not delivered", "reason", err.Error(), "last_try", last)
		})
	}()
	kept.stop = func() {
		stop()
		<-ended
		if left := kept.outgoing.Waiting(); left > 0 {
			log.Warn("mails are lost that waited for another try", "mails", left)
		}
	}
}

func sameMail(a, b catalogue.Mail) bool {
	return a.Server == b.Server && a.From == b.From && a.User == b.User && a.TLS == b.TLS && a.Password.Reveal() == b.Password.Reveal()
}

// parting is how long what goes on beside answers has when the server stops.
const parting = 3 * time.Second

// close ends what goes on beside answers, and then the mails. Whoever asked for one
// was told that it comes.
func (k *pageKeys) close() {
	late := time.NewTimer(parting)
	defer late.Stop()
	for waits := cap(k.room); waits > 0; waits-- {
		select {
		case k.room <- struct{}{}: // and nothing else begins
		case <-late.C:
			waits = 0
		}
	}
	if k.stop != nil {
		k.stop()
	}
}

// mostBeside is how much may go on beside the answers of an environment.
const mostBeside = 64

// beside runs work that an answer does not wait for, so that how long the answer
// takes says nothing of it (row P01).
func (k *pageKeys) beside(log *slog.Logger) func(func(context.Context) error) error {
	return func(work func(context.Context) error) error {
		select {
		case k.room <- struct{}{}:
		default:
			return fmt.Errorf("send a mail: %w", secret.ErrBusy)
		}
		go func() {
			defer func() { <-k.room }()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := work(ctx); err != nil {
				log.Warn("what was asked for by mail was not done", "reason", err.Error())
			}
		}()
		return nil
	}
}

// mailed hands messages of package account to package mail.
type mailed struct{ to mail.Sender }

// Send implements account.Mailer.
func (m mailed) Send(ctx context.Context, message account.Message) error {
	return m.to.Send(ctx, mail.Message{To: message.To, Subject: message.Subject, Text: message.Text})
}

// journey assembles the pages for people.
func (s *Server) journey(c *catalogue.Catalogue, e *environment, kept *pageKeys) (*login.Journey, error) {
	db, now, random := e.resources.store, s.options.Now, s.options.Random
	site, err := dress(e.Environment)
	if err != nil {
		return nil, err
	}
	languages := web.BuiltIn()
	if folder := e.Login.Translations; folder != "" {
		if languages, err = web.ReadLanguages(os.DirFS(folder)); err != nil {
			return nil, fmt.Errorf("translations in %s: %w", folder, err)
		}
	}
	e.signIn.assets = site.Assets()
	form := kept.forms.Derive("forms", e.Name)
	pages, err := web.NewPages(site, languages, form[:])
	if err != nil {
		return nil, err
	}
	e.signIn.authorization.Pages = &faces{pages, languages, now}
	sender := s.sender(e.Environment, kept)
	e.accounts = s.administered(e, mailed{sender})
	operations := s.onPeople(e, kept)
	links := *e.accounts.Links
	links.Passwords, links.Beside = operations.Passwords, kept.beside(s.options.Log.With("environment", e.Name))
	operations.Links = &links
	_, none := sender.(mail.Unsent)
	operations.Posts = !none
	if e.Name == catalogue.HomeName {
		operations.Parts = parts(c)
	}
	j := &login.Journey{
		Environment: e.Name, Issuer: e.Issuer, Settings: e.Login, APIs: e.Grantable(), Trusted: c.Listen.Trusted,
		Pages: pages, Languages: languages, People: operations,
		Requests: db.Requests(), Accounts: db.Accounts(), Consents: db.Consents(), Clients: e,
		Seal: s.options.Seal, Done: e.signIn.authorization.Done, Hints: e.signIn.hints, Now: now, Random: random,
	}
	if e.dialect == dialect.Cognito {
		j.SignInAgain = e.Issuer.String() + e.dialect.AuthorizePaths[0]
	}
	if kept, ok := sender.(*mail.Kept); ok {
		here := []string{e.Issuer.String() + "/"}
		if c.Portal != nil && c.Portal.URL != nil {
			here = append(here, c.Portal.URL.String()+partner.ConfirmPath)
		}
		j.Mails = func() []web.Mail { return shownMails(kept, here) }
	}
	if len(e.Login.Providers) > 0 {
		j.Providers = &login.Providers{
			Issuer: e.Issuer.String(), Configured: slices.Clone(e.Login.Providers), Fetch: e.outbound,
			Requests: db.Requests(), Accounts: db.Accounts(), Identities: db.Identities(), Browser: j.Browser,
			Create: operations.Accounts.Create, Link: operations.Factors.Link, Now: now, Random: random,
		}
	}
	return j, nil
}

// parts is where people of home go on to: who chose a first password was asked by no
// application that they could come back to.
func parts(c *catalogue.Catalogue) func(roles []string) (portal, console string) {
	return func(roles []string) (portal, console string) {
		if c.Portal != nil && c.Portal.URL != nil {
			portal = c.Portal.URL.String() + "/applications"
		}
		if c.Console != nil && c.Console.URL != nil && home.IsOperator(roles) {
			console = c.Console.URL.String() + "/"
		}
		return portal, console
	}
}

// shownMails are the mails of a demonstration, each with the link in it that leads
// here.
func shownMails(kept *mail.Kept, here []string) []web.Mail {
	var all []web.Mail
	for _, m := range kept.Messages() {
		shown := web.Mail{To: m.To, Subject: m.Subject, Text: m.Text, At: m.At}
		for word := range strings.FieldsSeq(m.Text) {
			if slices.ContainsFunc(here, func(beginning string) bool { return strings.HasPrefix(word, beginning) }) {
				shown.Link = word
			}
		}
		all = append(all, shown)
	}
	return all
}

// onPeople is what the pages do to people, much of it as operators do.
func (s *Server) onPeople(e *environment, kept *pageKeys) login.People {
	db, now, random := e.resources.store, s.options.Now, s.options.Random
	passwords := s.passwords(e, kept.attempts)
	strength := passwords.Strength
	people := login.People{
		Passwords: passwords,
		Codes: &account.OneTimeCodes{
			Factors: db.Factors(), Strength: strength, Attempts: kept.attempts, Seal: kept.factors.Seal("totp"), Issuer: e.Login.Theme.Name, Random: random, Now: now,
		},
		Recovery: &account.RecoveryCodes{Factors: db.Factors(), Strength: strength, Attempts: kept.attempts, Random: random, Now: now},
		Factors:  e.accounts.Factors,
		Sessions: &account.Sessions{Store: db.Sessions(), Idle: e.Login.Idle, Life: e.Login.Session, Forget: passwords.Forget, Random: random, Now: now},
		Devices:  passwords.Devices,
		Records:  e.accounts.Record,
		Accounts: e.accounts.People,
		Strength: strength,
		Tokens:   db.APITokens(), TokenUses: db.APITokenUses(),
	}
	passkeys := &account.Passkeys{
		Accounts: db.Accounts(), Factors: db.Factors(), Strength: strength, Seal: s.options.Seal, Random: random, Now: now,
	}
	if passkeys.Prepare(e.Issuer, e.Login.Theme.Name) == nil { // none at a bare address
		people.Passkeys = passkeys
	}
	return people
}

// dress makes the site of an environment in its publisher's brand.
func dress(e *catalogue.Environment) (*web.Site, error) {
	theme := web.Theme{Name: e.Login.Theme.Name}
	var err error
	if a := e.Login.Theme.Accent; a != "" {
		if theme.Accent, err = web.ParseColour(a); err != nil {
			return nil, fmt.Errorf("the accent %s: %w", a, err)
		}
	}
	if file := e.Login.Theme.Logo; file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("the logo: %w", err)
		}
		if theme.Logo, err = web.ParseLogo(content); err != nil {
			return nil, fmt.Errorf("the logo %s: %w", file, err)
		}
	}
	return web.NewSite(theme, e.Issuer.Path), nil
}
