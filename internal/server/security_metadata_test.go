package server

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/grantway/grantway/examples"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/oauth"
)

// fetch reads a JSON document of the site by its URL.
func (s *site) fetch(t testing.TB, address string, into any) answer {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Host != s.address {
		t.Fatalf("%s is not a URL of this server", address)
	}
	got := s.send(t, s.request("GET "+u.RequestURI()+" HTTP/1.1", ""))
	if err := json.Unmarshal([]byte(got.body), into); err != nil || got.code != 200 {
		t.Fatalf("%s: %v: %s", address, err, got)
	}
	return got
}

// TestMetadataKeepsItsPromises is rows N03 and N08, made from what the metadata
// of every example says: every grant with every method, every scope, every key,
// every resource.
func TestMetadataKeepsItsPromises(t *testing.T) {
	t.Parallel()
	for _, example := range examples.All() {
		s := start(t, setup{example: example.Name})
		made := demonstrated(example.Name, s.catalogue)
		for _, e := range s.server.current.Load().environments {
			t.Run(example.Name+" "+e.Name, func(t *testing.T) {
				var m oauth.ServerMetadata
				s.fetch(t, "http://"+s.address+"/.well-known/oauth-authorization-server"+e.Issuer.Path, &m)
				if m.Issuer != e.issuer() {
					t.Errorf("N03: issuer %s, but tokens say %s", m.Issuer, e.issuer())
				}
				kids := keyIDs(t, s, m.JWKSURI)
				for _, grant := range m.GrantTypesSupported {
					if grant == oauth.GrantAuthorizationCode || grant == oauth.GrantRefreshToken {
						continue // transcripts play them with a person; below they are known at least
					}
					for _, method := range m.TokenEndpointAuthMethodsSupported {
						if method == oauth.AuthNone {
							continue // for clients that have no secret, and so not this grant
						}
						token := promised(t, s, e, m.TokenEndpoint, grant, method, made[e.Name], "")
						if e.APIs[0].Token.Format == catalogue.Opaque {
							continue
						}
						if kid := kidOf(t, token); !slices.Contains(kids, kid) {
							t.Errorf("N03: the key %s of a token is not published", kid)
						}
					}
				}
				for _, scope := range m.ScopesSupported {
					if e.OpenID != nil && e.OpenID.Scope(scope) != nil {
						continue // a person's
					}
					promised(t, s, e, m.TokenEndpoint, m.GrantTypesSupported[0], m.TokenEndpointAuthMethodsSupported[0], made[e.Name], scope)
				}
				for _, unlisted := range []string{"authorization_code", "refresh_token", "password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"} {
					form := url.Values{"grant_type": {unlisted}, "client_id": {made[e.Name].ClientID}, "client_secret": {made[e.Name].Secret.Reveal()}}
					at, _ := url.Parse(m.TokenEndpoint)
					got := s.send(t, s.request("POST "+at.Path+" HTTP/1.1", form.Encode(), formType))
					if slices.Contains(m.GrantTypesSupported, unlisted) == (got.member("error") == "unsupported_grant_type") {
						t.Errorf("N03: %s, listed: %v: %s", unlisted, m.GrantTypesSupported, got)
					}
				}
				describedResources(t, s, e, m)
			})
		}
	}
}

// promised gets a token as the metadata says one can be had.
func promised(t *testing.T, s *site, e *environment, endpoint, grant, method string, c Credentials, scope string) string {
	t.Helper()
	if grant != oauth.GrantClientCredentials {
		t.Fatalf("N03: %s is listed, and this test does not know how to use it", grant)
	}
	form := url.Values{"grant_type": {grant}}
	headers := []string{formType}
	switch method {
	case oauth.AuthClientSecretBasic:
		headers = append(headers, basic(c.ClientID, c.Secret.Reveal()))
	case oauth.AuthClientSecretPost:
		form.Set("client_id", c.ClientID)
		form.Set("client_secret", c.Secret.Reveal())
	default:
		t.Fatalf("N03: %s is listed, and this test does not know how to use it", method)
	}
	if scope != "" {
		form.Set("scope", scope)
	}
	if dialect.Find(e.Dialect).NeedsAudience {
		form.Set("audience", e.APIs[0].Audience)
	}
	at, err := url.Parse(endpoint)
	if err != nil || at.Host != s.address {
		t.Fatalf("N03: token_endpoint %s", endpoint)
	}
	got := s.send(t, s.request("POST "+at.Path+" HTTP/1.1", form.Encode(), headers...))
	if got.code != 200 {
		t.Fatalf("N03: %s by %s with the scope %q: %s", grant, method, scope, got)
	}
	return got.member("access_token")
}

// describedResources is row N08: the metadata of a resource says the URL that it
// was made from, and the API's challenge leads to it.
func describedResources(t *testing.T, s *site, e *environment, m oauth.ServerMetadata) {
	t.Helper()
	if len(m.ProtectedResources) != len(e.APIs) {
		t.Errorf("N08: %d protected resources of %d APIs", len(m.ProtectedResources), len(e.APIs))
	}
	for i, resource := range m.ProtectedResources {
		u, err := url.Parse(resource)
		if err != nil {
			t.Fatal(err)
		}
		at := "http://" + u.Host + "/.well-known/oauth-protected-resource" + u.Path
		var described oauth.ResourceMetadata
		s.fetch(t, at, &described)
		if described.Resource != resource || !slices.Equal(described.AuthorizationServers, []string{m.Issuer}) {
			t.Errorf("N08: %s: %+v", at, described)
		}
		for _, route := range e.APIs[i].Routes {
			if route.Access == "public" {
				continue
			}
			path := e.Base.Path + strings.NewReplacer("{", "", "}", "", "…", "x").Replace(route.Path)
			got := s.send(t, s.request(route.Methods[0]+" "+path+" HTTP/1.1", ""))
			if got.code != 401 || !strings.HasSuffix(got.header.Get("WWW-Authenticate"), `resource_metadata="`+at+`"`) {
				t.Fatalf("N08: %s: %s", path, got)
			}
			if !strings.HasPrefix("http://"+s.address+path, resource) {
				t.Errorf("N08: %s does not lie below its resource %s (RFC 9728 §3.3)", path, resource)
			}
		}
	}
}

func keyIDs(t testing.TB, s *site, address string) (kids []string) {
	t.Helper()
	var document struct {
		Keys []map[string]any `json:"keys"`
	}
	got := s.fetch(t, address, &document)
	if _, err := jose.ParseJWKSet([]byte(got.body)); err != nil {
		t.Errorf("the keys: %v", err)
	}
	for _, key := range document.Keys {
		for name := range key {
			if !slices.Contains([]string{"kty", "crv", "x", "y", "n", "e", "use", "alg", "kid"}, name) {
				t.Errorf("G24: a published key has %s", name)
			}
		}
		kids = append(kids, key["kid"].(string))
	}
	return kids
}

func kidOf(t testing.TB, token string) string {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	var header struct{ Kid string }
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		t.Fatal(err)
	}
	return header.Kid
}

// TestEnvironmentsShareNoKey is row N09.
func TestEnvironmentsShareNoKey(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, example := range []string{"fitness", "timeback", "studyteam"} {
		s := start(t, setup{example: example})
		for _, e := range s.server.current.Load().environments {
			got := s.send(t, s.request("GET "+e.Issuer.Path+"/.well-known/jwks.json HTTP/1.1", ""))
			keys, err := jose.ParseJWKSet([]byte(got.body))
			if err != nil || len(keys) == 0 {
				t.Fatal(err, got)
			}
			for _, key := range keys {
				thumbprint, err := jose.Thumbprint(key.Key)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{"kid " + key.KeyID, "key " + thumbprint} {
					if other := seen[name]; other != "" {
						t.Errorf("N09: %s of %s %s is %s's, too", name, example, e.Name, other)
					}
					seen[name] = example + " " + e.Name
				}
			}
		}
	}
}
