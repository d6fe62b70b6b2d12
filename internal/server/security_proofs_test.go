package server

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
)

// TestProofsAreKeptAsHashes is row F16, and C14 beside it: nothing that anybody could
// prove something with lies in the store, as text or as the bytes that it stands
// for. It looks into the files, the log beside the database among them.
func TestProofsAreKeptAsHashes(t *testing.T) {
	t.Parallel()
	s := timetables(t, func(c *catalogue.Catalogue) { c.Find("demo").Login.SecondFactor = true })
	_, apiToken := s.apiToken(t, "demo", partner.NewAPIToken{Name: "Displays"})
	b := s.browser(t, "demo")
	app, recovery := b.open(documented+"&scope=username").signIn("anna", goodPassword).protect()
	proofs := map[string]string{
		"password": goodPassword, "API token": apiToken, "authenticator": app, "recovery code": recovery[0],
		"session": b.cookieOf("session"), "recovery code as it is read": strings.ReplaceAll(recovery[0], "-", ""),
	}
	b.open(documented+"&scope=username").is("/consent", http.StatusOK)
	proofs["request"] = b.at.Query().Get("request")
	proofs["code"] = b.submit("/consent", "decision", "allow").back("http://localhost").Get("code")
	token := func(form url.Values) answer {
		return s.send(t, s.request("POST /demo/oauth/token HTTP/1.1", form.Encode()+"&client_id=test&client_secret=test", formType))
	}
	first := token(url.Values{"grant_type": {"authorization_code"}, "code": {proofs["code"]}, "redirect_uri": {"http://localhost"}})
	second := token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.member("refresh_token")}})
	proofs["access token"], proofs["refresh token"] = first.member("access_token"), first.member("refresh_token")
	proofs["new access token"], proofs["new refresh token"] = second.member("access_token"), second.member("refresh_token")

	files, err := filepath.Glob(strings.TrimPrefix(s.catalogue.Find("demo").Store, "sqlite:") + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var kept []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, text...)
	}
	if !bytes.Contains(kept, []byte("anna@example.com")) {
		t.Fatal("the store's files are not where it keeps things")
	}
	for name, proof := range proofs {
		if len(proof) < 8 {
			t.Errorf("no %s: %q", name, proof)
			continue
		}
		forms := [][]byte{[]byte(proof)}
		if decoded, err := base64.RawURLEncoding.DecodeString(proof); err == nil {
			forms = append(forms, decoded)
		}
		if decoded, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(proof); err == nil {
			forms = append(forms, decoded)
		}
		for _, form := range forms {
			if len(form) >= 8 && bytes.Contains(kept, form) {
				t.Errorf("F16: the %s lies in the store", name)
			}
		}
	}
}
