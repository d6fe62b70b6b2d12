package server

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/fetch"
)

// school is a server in a private network, with a certificate of an authority of
// its own, and the file of that.
func school(t *testing.T) (address, ca string) {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s.URL, ca
}

func TestOutbound(t *testing.T) {
	address, ca := school(t)
	near := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, row := range []struct {
		name    string
		said    catalogue.Outbound
		good    bool
		private bool // it is refused for its address
	}{
		{"both", catalogue.Outbound{Networks: near, CA: ca}, true, false},
		{"nothing", catalogue.Outbound{}, false, true},
		{"the authority alone", catalogue.Outbound{CA: ca}, false, true},
		{"the network alone", catalogue.Outbound{Networks: near}, false, false},
		{"another network", catalogue.Outbound{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, CA: ca}, false, true},
	} {
		f, err := new(Server).fetcher(row.said)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Post(t.Context(), address, url.Values{})
		if (err == nil) != row.good || errors.Is(err, fetch.ErrAddress) != row.private {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// TestOutboundAtReload: what the file says counts from then on, and a file that
// cannot be used leaves everything as it was.
func TestOutboundAtReload(t *testing.T) {
	address, ca := school(t)
	site := start(t, setup{example: "mytimetable"})
	said := func(ca string) error {
		c := *site.catalogue
		c.Outbound.CA = ca
		return site.server.Reload(t.Context(), &c)
	}
	tell := func() error {
		_, err := site.server.tell(t.Context(), address, url.Values{})
		return err
	}
	if tell() == nil {
		t.Error("a certificate of nobody's is believed")
	}
	if err := said(ca); err != nil {
		t.Fatal(err)
	}
	if err := tell(); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	empty, large := filepath.Join(t.TempDir(), "empty"), filepath.Join(t.TempDir(), "large")
	for file, size := range map[string]int{empty: 1, large: maxCA + 1} {
		if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{empty, large, ca + ".gone"} {
		if said(bad) == nil {
			t.Errorf("%s is taken", bad)
		}
		if err := tell(); err != nil {
			t.Errorf("after %s: %v", bad, err)
		}
	}
	if err := said(""); err != nil || tell() == nil {
		t.Errorf("the authority is believed that was taken back: %v", err)
	}
}
