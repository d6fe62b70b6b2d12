package server

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
)

// verifying runs the listener for other proxies beside a site, and returns its
// address.
func (s *site) verifying(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.server.ServeVerify(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// TestVerifyPath: whose rules judge a request is said in one way only.
func TestVerifyPath(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	single := start(t, setup{example: "fitness", change: func(c *catalogue.Catalogue) { c.Environments = c.Environments[:1] }})
	type row struct {
		path   string
		status int
	}
	for _, of := range []struct {
		site *site
		rows []row
	}{
		{s, []row{
			{"/verify/staging/fitness/staging/api/moves", 200},
			{"/verify/production/fitness/staging/api/moves", 403},
			{"/verify/production/fitness/production/api/moves", 401},
			{"/verify/fitness/staging/api/moves", 404},
			{"/verify/staging/other/staging/api/moves", 404},
			{"/verify/staging/staging/api/moves", 404},
			{"/verify/home/fitness/moves", 404},
			{"/verify/staging", 404},
			{"/verify/", 404},
			{"/verify", 404},
			{"/", 404},
			{"/staging/api/moves", 404},
			{"/verify/staging/fitness", 400},
			{"/verify/staging/fitness/", 403},
			{"/verify/staging/fitness//staging/api/moves", 400},
			{"/verify/staging/fitness/staging/api/x/../moves", 400},
			{"/verify/staging/fitness/staging/api/%6doves", 400},
			{"/verify/staging/fitnessx/staging/api/moves", 404},
			{"/verify/x/../staging/fitness/staging/api/moves", 404},
		}},
		{single, []row{
			{"/verify/staging/fitness/staging/api/moves", 200}, {"/verify/fitness/staging/api/moves", 200}, {"/verify/production/fitness/staging/api/moves", 404},
		}},
	} {
		bearer := "Authorization: Bearer " + of.site.token(t, good)
		asked := *of.site
		asked.address = of.site.verifying(t)
		for _, row := range of.rows {
			got := asked.send(t, asked.request("GET "+row.path+" HTTP/1.1", "", bearer))
			if got.code != row.status || got.header.Get("Location") != "" {
				t.Errorf("%s: %s\n%s", row.path, got, asked.logged(got))
			}
			if row.status == 200 && (got.body != "" || got.header.Get("Grantway-Client") != "YOUR_CLIENT_ID") {
				t.Errorf("%s: %s", row.path, got)
			}
			if line := asked.logged(got); row.status == 200 && !strings.Contains(line, `"route":"/moves"`) {
				t.Error(line)
			}
		}
	}
}
