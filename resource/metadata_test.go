package resource_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/resource"
)

// TestWhereMetadataIs: RFC 8414 first, then OpenID Connect's two places; and
// metadata of another issuer is nobody's.
func TestWhereMetadataIs(t *testing.T) {
	for _, row := range []struct {
		name, path, issuer string
		good               bool
	}{
		{"RFC 8414", "/.well-known/oauth-authorization-server/staging", "https://auth.example/staging", true},
		{"OpenID Connect", "/staging/.well-known/openid-configuration", "https://auth.example/staging", true},
		{"RFC 8414 section 5", "/.well-known/openid-configuration/staging", "https://auth.example/staging", true},
		{"another path", "/.well-known/oauth-authorization-server", "https://auth.example/staging", false},
		{"another issuer", "/.well-known/oauth-authorization-server/staging", "https://auth.example/production", false},
		{"a slash more", "/.well-known/oauth-authorization-server/staging", "https://auth.example/staging/", false},
		{"a letter's case", "/.well-known/oauth-authorization-server/staging", "https://auth.example/Staging", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuthority(t)
				a.metadata = func(path string) map[string]any {
					if path == row.path {
						return map[string]any{"issuer": row.issuer, "jwks_uri": a.issuer + "/jwks"}
					}
					return nil
				}
				var want error
				if !row.good {
					want = refusal.Unavailable
				}
				_, err := a.guard(t, resource.Discover(a.issuer, a.client())).Check(t.Context(), a.token(t, nil))
				if !errors.Is(err, want) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// TestMovedKeys: a jwks_uri that answers no more is looked up again.
func TestMovedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		at := a.issuer + "/gone"
		a.metadata = func(path string) map[string]any {
			if strings.HasPrefix(path, "/.well-known/oauth") {
				return map[string]any{"issuer": a.issuer, "jwks_uri": at}
			}
			return nil
		}
		c := a.guard(t, resource.Discover(a.issuer, a.client()))
		refused(t, c, a.token(t, nil), refusal.Unavailable)
		at = a.issuer + "/jwks"
		time.Sleep(time.Second)
		passes(t, c, a.token(t, nil))
	})
}
