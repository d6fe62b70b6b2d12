package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/endpoint"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// A follower knows of an environment what its issuer tells a gateway apart: the
// keys that tokens are signed with, what was revoked, and about opaque tokens,
// when asked. It is kept over reloads.
type follower struct {
	environment, issuer string
	client              string // the id that the issuer knows us by
	keys                *resource.KeySet
	published           *keptKeys
	feed                *resource.Feed
	introspection       *resource.Introspection
	starter             *resource.Checker // fetches the keys before anybody calls

	stop func()
	all  sync.WaitGroup
}

// open reads what an earlier run kept.
func (g *Gateway) open(e *catalogue.Environment, data string) (*follower, error) {
	us, err := g.options.Credentials(e.Name)
	if err != nil {
		return nil, err
	}
	base := e.Issuer.String()
	f := &follower{environment: e.Name, issuer: issuerOf(e), client: us.ClientID, stop: func() {}}
	f.published = &keptKeys{RoundTripper: g.issuers, path: filepath.Join(data, "keys-"+e.Name+".json")}
	f.keys = resource.JWKS(base+endpoint.JWKSPath, &http.Client{Transport: f.published})
	issuers := &http.Client{Transport: g.issuers}
	f.introspection = resource.Introspect(base+endpoint.IntrospectionPath, us.ClientID, us.Secret.Reveal(), issuers)
	f.feed, err = resource.NewFeed(resource.FeedConfig{
		Issuer: f.issuer, URL: base + endpoint.FeedPath, KeysURL: base + endpoint.FeedKeysPath,
		ClientID: us.ClientID, ClientSecret: us.Secret.Reveal(), HTTPClient: issuers, MaxStale: g.options.MaxStale,
		Snapshot: filepath.Join(data, "feed-"+e.Name+".json"), Now: g.options.Now,
	})
	if err != nil {
		return nil, err
	}
	config := checks(e, g.options.Now, e.APIs...)
	config.Keys, config.Remember = f.keys, -1
	f.starter, err = resource.New(config)
	return f, err
}

// checker returns how tokens for an API are checked here. JWTs take the issuer's
// keys and the feed; for a handle it is asked, and nothing but what looks like
// one is worth the question.
func (f *follower) checker(e *catalogue.Environment, now func() time.Time) func(*catalogue.API) (*resource.Checker, error) {
	return func(api *catalogue.API) (*resource.Checker, error) {
		asking := checks(e, now, api)
		asking.Introspection = f.introspection
		asked, err := resource.New(asking)
		if err != nil {
			return nil, err
		}
		config := checks(e, now, api)
		config.Keys, config.Feed = f.keys, f.feed
		config.Opaque = func(ctx context.Context, presented string) (resource.Token, error) {
			if _, ok := token.HashOf(presented); !ok {
				return resource.Token{}, resource.ErrUnknown
			}
			found, err := asked.Check(ctx, presented)
			if errors.Is(err, oauth.InvalidToken) {
				return resource.Token{}, resource.ErrUnknown
			}
			if err != nil {
				return resource.Token{}, err
			}
			return *found, nil
		}
		return resource.New(config)
	}
}

// follow begins to listen to the issuer.
func (f *follower) follow(log *slog.Logger) {
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	log = log.With(slog.String("environment", f.environment), slog.String("issuer", f.issuer))
	f.all.Go(func() {
		if err := f.starter.Start(ctx); err != nil && ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelError, "keys not fetched; calls are refused until they are", slog.Any("error", err))
		}
	})
	f.all.Go(func() {
		if err := f.feed.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			log.LogAttrs(ctx, slog.LevelError, "the feed of revocations is not kept", slog.Any("error", err))
		}
	})
	f.all.Go(func() { f.report(ctx, log) })
}

// report says in the log whenever the gateway opens or closes, and what is wrong
// with the feed, once.
func (f *follower) report(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	open, problem, told := f.feed.Current() == nil, "", time.Time{}
	if open {
		log.LogAttrs(ctx, slog.LevelInfo, "revocations are known from an earlier run", slog.Time("heard", f.feed.Status().Heard))
	} else {
		log.LogAttrs(ctx, slog.LevelWarn, "calls are refused with 503 until the issuer has said what is revoked")
	}
	for {
		status, now := f.feed.Status(), f.feed.Current() == nil
		if now != open {
			if open = now; open {
				log.LogAttrs(ctx, slog.LevelInfo, "revocations are known; calls pass")
			} else {
				log.LogAttrs(ctx, slog.LevelError, "the issuer is silent for too long; calls are refused with 503", slog.Time("heard", status.Heard))
			}
		}
		said := ""
		if status.Problem != nil {
			said = status.Problem.Error()
		}
		switch {
		case said == "":
			problem = ""
		case said != problem && time.Since(told) > 10*time.Second: // some errors say a port, which differs each time
			problem, told = said, time.Now()
			log.LogAttrs(ctx, slog.LevelError, "the feed of revocations is not heard", slog.String("client", f.client), slog.Bool("open", open),
				slog.String("error", said))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// ready says why calls do not pass.
func (f *follower) ready() error {
	if f.feed.Current() != nil {
		return errors.New("what is revoked is not known: the issuer has said nothing for too long")
	}
	if !f.published.had.Load() {
		return errors.New("the keys of the issuer were not fetched yet")
	}
	return nil
}

// close stops listening and waits until what was heard last is written.
func (f *follower) close() {
	f.stop()
	f.all.Wait()
}

// issuerTransport connects to issuers. Streams last, so the whole of an answer
// has no limit of time; who asks sets one where there is none.
func issuerTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		TLSHandshakeTimeout:    2 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 16 << 10,
		DisableCompression:     true, // a small body that becomes a large one is an attack
	}
}
