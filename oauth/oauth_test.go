package oauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/grantway/grantway/oauth"
)

// TestStatus: RFC 6749 §5.2, RFC 6750 §3.1, RFC 8707 §2.
func TestStatus(t *testing.T) {
	for code, want := range map[oauth.ErrorCode]int{
		oauth.InvalidRequest: 400, oauth.InvalidClient: 401, oauth.InvalidGrant: 400, oauth.UnauthorizedClient: 400,
		oauth.UnsupportedGrantType: 400, oauth.InvalidScope: 400, oauth.InvalidTarget: 400, oauth.AccessDenied: 403,
		oauth.ServerError: 500, oauth.TemporarilyUnavailable: 503, oauth.TooManyRequests: 429,
		oauth.InvalidToken: 401, oauth.InsufficientScope: 403, "invented": 400, "": 400,
	} {
		if got := code.Status(); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestErrorCodeIsAnError(t *testing.T) {
	err := fmt.Errorf("the token endpoint answered: %w", oauth.InvalidGrant)
	if !errors.Is(err, oauth.InvalidGrant) || errors.Is(err, oauth.InvalidClient) || oauth.InvalidGrant.Error() != "invalid_grant" {
		t.Error(err)
	}
}

// TestDocuments: what is empty is left out, but for what RFC 8414 requires.
func TestDocuments(t *testing.T) {
	for want, document := range map[string]any{
		`{"error":"invalid_grant"}`:                    oauth.ErrorResponse{Code: oauth.InvalidGrant},
		`{"access_token":"a","token_type":"Bearer"}`:   oauth.TokenResponse{AccessToken: "a", TokenType: oauth.TokenTypeBearer},
		`{"resource":"r"}`:                             oauth.ResourceMetadata{Resource: "r"},
		`{"issuer":"i","response_types_supported":[]}`: oauth.ServerMetadata{Issuer: "i", ResponseTypesSupported: []string{}},
	} {
		if got, err := json.Marshal(document); err != nil || string(got) != want {
			t.Errorf("%s, want %s, %v", got, want, err)
		}
	}
}
