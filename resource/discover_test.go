package resource

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is read from an issuer, from inside.

func TestMetadataURLs(t *testing.T) {
	for issuer, want := range map[string][]string{
		"https://a.example": {
			"https://a.example/.well-known/oauth-authorization-server", "https://a.example/.well-known/openid-configuration",
		},
		"https://a.example/": {
			"https://a.example/.well-known/oauth-authorization-server", "https://a.example/.well-known/openid-configuration",
		},
		"https://a.example:8443/x/y": {
			"https://a.example:8443/.well-known/oauth-authorization-server/x/y", "https://a.example:8443/x/y/.well-known/openid-configuration",
			"https://a.example:8443/.well-known/openid-configuration/x/y",
		},
		"http://127.0.0.1:1/x/": {
			"http://127.0.0.1:1/.well-known/oauth-authorization-server/x", "http://127.0.0.1:1/x/.well-known/openid-configuration",
			"http://127.0.0.1:1/.well-known/openid-configuration/x",
		},
		"http://[::1]:1": {"http://[::1]:1/.well-known/oauth-authorization-server", "http://[::1]:1/.well-known/openid-configuration"},
		"http://localhost": {
			"http://localhost/.well-known/oauth-authorization-server", "http://localhost/.well-known/openid-configuration",
		},
		"http://a.example": nil, "http://127.0.0.1.a.example": nil, "http://localhost.a.example": nil, "a.example": nil, "": nil,
		"https://": nil, "https://u:p@a.example": nil, "https://a.example/?x=y": nil, "https://a.example/?": nil,
		"https://a.example/#x": nil, "file:///etc/passwd": nil, "HTTPS://%zz": nil, "http://0.0.0.0": nil,
	} {
		got, err := metadataURLs(issuer)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %q, %v", issuer, got, err)
		}
	}
}

func TestReadMetadata(t *testing.T) {
	const issuer = "https://a.example/x"
	for body, good := range map[string]bool{
		`{"issuer":"https://a.example/x","jwks_uri":"https://keys.example/1","more":[1]}`:                 true,
		`{"issuer":"https://a.example/x/","jwks_uri":"https://keys.example/1"}`:                           false, // RFC 8414 §3.3
		`{"issuer":"https://A.example/x","jwks_uri":"https://keys.example/1"}`:                            false,
		`{"issuer":"https://evil.example","jwks_uri":"https://keys.example/1"}`:                           false,
		`{"jwks_uri":"https://keys.example/1"}`:                                                           false,
		`{"issuer":"https://a.example/x"}`:                                                                false,
		`{"issuer":"https://a.example/x","jwks_uri":"http://keys.example/1"}`:                             false,
		`{"issuer":"https://a.example/x","jwks_uri":"http://127.0.0.1/1"}`:                                false, // not as protected as the issuer
		`{"issuer":"https://a.example/x","jwks_uri":"file:///etc/passwd"}`:                                false,
		`{"issuer":"https://a.example/x","issuer":"https://a.example/x","jwks_uri":"https://k.example/"}`: false,
		`{"issuer":["https://a.example/x"],"jwks_uri":"https://k.example/"}`:                              false,
		`[]`: false, ``: false, `<html>`: false,
	} {
		found, err := readMetadata([]byte(body), issuer)
		if (err == nil) != good || good && found != "https://keys.example/1" {
			t.Errorf("%s: %q, %v", body, found, err)
		}
	}
}

func TestLife(t *testing.T) {
	for said, want := range map[string]time.Duration{
		"": 5 * time.Minute, "public": 5 * time.Minute, "max-age=59": time.Minute, "max-age=60": time.Minute, "max-age=61": 61 * time.Second,
		"public, Max-Age=3600, must-revalidate": time.Hour, `max-age="3600"`: time.Hour, "max-age=86400": 24 * time.Hour, "max-age=86401": 24 * time.Hour,
		"max-age=99999999999999999999999": 24 * time.Hour, "max-age=-1": time.Minute, "max-age=x": time.Minute, "max-age": time.Minute,
		"no-store": time.Minute, "max-age=3600, no-cache": time.Minute, "s-maxage=3600": 5 * time.Minute,
	} {
		h := http.Header{}
		if said != "" {
			h.Set("Cache-Control", said)
		}
		if got := life(h); got != want {
			t.Errorf("%q: %v", said, got)
		}
	}
	if got := life(http.Header{"Cache-Control": {"max-age=300"}, "Age": {"100"}}); got != 200*time.Second {
		t.Errorf("of an age: %v", got)
	}
	if got := life(http.Header{"Cache-Control": {"max-age=300"}, "Age": {"301"}}); got != time.Minute {
		t.Errorf("older than it may be: %v", got)
	}
}

func TestOutboundFollowsNobody(t *testing.T) {
	brought := &http.Client{Transport: http.NewFileTransport(http.Dir("/nowhere"))}
	for _, c := range []*http.Client{outbound(nil), outbound(&http.Client{}), outbound(brought)} {
		if c.CheckRedirect(nil, nil) != http.ErrUseLastResponse || c.Jar != nil {
			t.Error("it follows redirects, or keeps cookies")
		}
	}
	if outbound(brought).Transport != brought.Transport || outbound(nil).Transport != transport {
		t.Error("the transport is another one")
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://a.example","jwks_uri":"https://keys.example/1"}`))
	f.Add([]byte(`{"issuer":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		found, err := readMetadata(body, "https://a.example")
		if err == nil && (!strings.HasPrefix(strings.ToLower(found), "https:") || !json.Valid(body)) {
			t.Errorf("%q: %q", body, found)
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"n8DNGQamMfEofi7MrYdet79O4tONFcsLHH3q-Utmiys","y":"yqCZwsfttZ8Ns5PY8UdjDFDUkd3MCg0gNgG8g58BDcQ"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := readKeys(body)
		if err != nil && keys != nil {
			t.Error("keys and an error")
		}
		for _, k := range keys {
			if k.Algorithm == "" || !same(k.Key, k.Key) {
				t.Errorf("%+v", k)
			}
		}
	})
}

func FuzzIntrospection(f *testing.F) {
	f.Add([]byte(`{"active":true,"scope":"a b","aud":["x"],"exp":1}`))
	f.Add([]byte(`{"active":false}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := readIntrospection(body)
		if (v == nil) == (err == nil) {
			t.Errorf("%v, %v", v, err)
		}
		if err == nil && !v.unknown {
			if err := v.token.Claims(new(map[string]any)); err != nil {
				t.Errorf("%q: %v", body, err)
			}
		}
	})
}
