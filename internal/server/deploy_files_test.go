package server

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// identityHeaders are what an answer of /verify tells about a caller, as nginx
// and Caddy are seen to pass it on in TestDeploy.
var identityHeaders = []string{"Grantway-Client", "Grantway-Subject", "Grantway-Scope", "Grantway-Environment", "Grantway-Trace", "Grantway-Account", "Grantway-User", "Grantway-Roles", "Grantway-Api-Token"}

// TestDeployFiles holds the files of the proxies that no test runs to what we
// know without them: they ask a question that is answered, in the way that their
// programs ask, fail closed, and drop and pass on the headers that there are.
func TestDeployFiles(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	asked := *s
	asked.address = s.verifying(t)
	bearer := "Authorization: Bearer " + s.token(t, good)
	for _, row := range []struct {
		file     string
		question string   // the path that is asked, as the file's one group
		appends  bool     // the request's own path behind it; else X-Forwarded-Method and -Uri
		order    []string // each once at least, the first of each in this order
		never    []string
		dropped  func(header string) string // how the file drops a header before it asks
		passed   func(header string) string // how it passes one on
	}{
		{
			file: "traefik/grantway.yaml", question: `address: http://[^/\s]+(/verify/\S+)`,
			order:   []string{"middlewares: [grantway-strip, grantway, grantway-spent]", "trustForwardHeader: false", "authRequestHeaders: [Authorization, apiToken, requestedAuth]", `Authorization: ""`, `apiToken: ""`, `requestedAuth: ""`},
			never:   []string{"trustForwardHeader: true", "insecure"},
			dropped: func(h string) string { return h + `: ""` },
			passed:  func(h string) string { return h },
		},
		{
			file: "envoy/envoy.yaml", question: `path_prefix: (/verify/\S+)`, appends: true,
			order: []string{
				"normalize_path: false", "merge_slashes: false", "path_with_escaped_slashes_action: REJECT_REQUEST", "headers_with_underscores_action: DROP_HEADER",
				"- authorization", "- apitoken", "- requestedauth", "- x-forwarded-host", "- x-real-ip", "- name: envoy.filters.http.header_mutation", "- name: envoy.filters.http.ext_authz", "failure_mode_allow: false", "- exact: apitoken", "- exact: requestedauth", "- name: envoy.filters.http.router",
			},
			never:   []string{"failure_mode_allow: true", "normalize_path: true"},
			dropped: func(h string) string { return "remove: " + strings.ToLower(h) },
			passed:  func(h string) string { return "exact: " + strings.ToLower(h) },
		},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "deploy", row.file))
		if err != nil {
			t.Fatal(err)
		}
		file := string(text)
		at := -1
		for _, part := range row.order {
			next := strings.Index(file, part)
			if next <= at {
				t.Errorf("%s: %q is missing, or stands too early", row.file, part)
			}
			at = max(at, next)
		}
		for _, part := range row.never {
			if strings.Contains(file, part) {
				t.Errorf("%s: %q", row.file, part)
			}
		}
		for _, h := range identityHeaders {
			if !strings.Contains(file, row.dropped(h)) {
				t.Errorf("%s does not drop a caller's own %s", row.file, h)
			}
		}
		found := regexp.MustCompile(row.question).FindStringSubmatch(file)
		if found == nil {
			t.Fatalf("%s asks nothing", row.file)
		}
		for _, call := range []struct {
			method, path string
			status       int
		}{{"GET", "/staging/api/moves?from=2026", 200}, {"GET", "/staging/api/accounts", 403}, {"DELETE", "/staging/api/moves", 405}, {"GET", "/staging/api/moves/../accounts", 400}} {
			line, headers := call.method+" "+found[1]+call.path+" HTTP/1.1", []string{bearer}
			if !row.appends {
				line = "GET " + found[1] + " HTTP/1.1"
				headers = append(headers, "X-Forwarded-Method: "+call.method, "X-Forwarded-Uri: "+call.path)
			}
			got := asked.send(t, asked.request(line, "", headers...))
			if got.code != call.status {
				t.Errorf("%s: %s %s: %s, want %d", row.file, call.method, call.path, got, call.status)
			}
			if call.status != http.StatusOK {
				continue
			}
			for name := range got.header {
				if strings.HasPrefix(name, "Grantway-") && (!slices.Contains(identityHeaders, name) || !strings.Contains(file, row.passed(name))) {
					t.Errorf("%s does not pass %s on", row.file, name)
				}
			}
		}
	}
}
