package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCurl: what is sent, and to whom; on another host nobody sees the token, or
// what was meant for the API.
func TestCurl(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s|%s|%s|%s|%s|%s", r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"),
			r.Header.Get("Accept"), r.Header.Get("X-Key"), body)
	}
	other := httptest.NewServer(http.HandlerFunc(echo))
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	api := httptest.NewServer(mux)
	defer api.Close()
	to := func(where string, status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, where, status) }
	}
	mux.HandleFunc("/here", to("/there", http.StatusFound))
	mux.HandleFunc("/away", to(other.URL+"/away", http.StatusFound))
	mux.HandleFunc("/post-away", to(other.URL+"/away", http.StatusTemporaryRedirect))
	mux.HandleFunc("/endless", to("/endless", http.StatusFound))
	back := httptest.NewServer(to(api.URL+"/delete", http.StatusFound))
	defer back.Close()
	mux.HandleFunc("/back", to(back.URL, http.StatusFound))
	asked := 0
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		fmt.Fprint(w, `{"access_token":"T","token_type":"bearer","expires_in":3600}`)
	}))
	defer tokens.Close()

	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "rows.csv"), "a\r\nb\n")
	env := []string{"XDG_CACHE_HOME=" + folder, "ACME_SECRET=s3cret"}
	for _, row := range []struct {
		arguments []string
		status    int
		out, says string
	}{
		{[]string{"/x"}, 0, "GET /x|Bearer T||*/*||", ""},
		{[]string{"/x", "-d", "a=b", "-d", "c=d"}, 0, "POST /x|Bearer T|application/x-www-form-urlencoded|*/*||a=b&c=d", ""},
		{[]string{"/x", "-d", "@" + folder + "/rows.csv", "-X", "PUT", "-H", "content-type: text/csv"}, 0, "PUT /x|Bearer T|text/csv|*/*||a\r\nb\n", ""},
		{[]string{"/x", "--json", "{}", "-H", "X-Key: k"}, 0, "POST /x|Bearer T|application/json|application/json|k|{}", ""},
		{[]string{"/here"}, 0, "<a href=\"/there\">Found</a>.\n\n", ""},
		{[]string{"/here", "-L", "-H", "X-Key: k"}, 0, "GET /there|Bearer T||*/*|k|", ""},
		{[]string{"/away", "-L", "-H", "X-Key: k"}, 0, "GET /away|||*/*||", ""},
		{[]string{"/post-away", "-L", "-d", "x"}, exitRefused, "", "the API sends the data on to another host"},
		{[]string{"/back", "-L"}, exitRefused, "", "sends the call back to the API"},
		{[]string{"/endless", "-L"}, exitRefused, "", "redirects without end"},
		{[]string{other.URL}, exitRefused, "", "is not an API of these flags"},
		{[]string{"/x", "-H", "Host: elsewhere.example"}, exitUsage, "", "the header Host is put in"},
		{[]string{"/x", "-H", "X-Key: a\nAuthorization: b"}, exitUsage, "", "--header takes"},
		{[]string{"/x", "-X", "A B"}, exitUsage, "", "is not a method"},
		{[]string{"/x", "-d", "@" + folder + "/nowhere"}, exitRefused, "", "no such file"},
	} {
		status, out, said := finish(t, env, append([]string{
			"curl", "--token-url", tokens.URL, "--client-id", "c", "--secret-env", "ACME_SECRET", "--api", api.URL,
		}, row.arguments...)...)
		if status != row.status || out != row.out || !strings.Contains(said, row.says) || row.says == "" && said != "" {
			t.Errorf("%v: status %d, want %d; prints %q, want %q; says %q", row.arguments, status, row.status, out, row.out, said)
		}
	}
	if asked != 1 {
		t.Errorf("%d token requests, want 1", asked)
	}
	if kept, err := os.ReadDir(filepath.Join(folder, "grantway")); err != nil || len(kept) == 0 {
		t.Errorf("nothing is kept: %v", err)
	}
}
