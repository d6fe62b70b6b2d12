package wire

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

func TestBasic(t *testing.T) {
	for _, row := range []struct {
		name, header string
		want         BasicCredentials
		err          error
	}{
		{"usual", basic("id:secret"), BasicCredentials{ID: "id", Secret: "secret"}, nil},
		{"scheme in capitals", strings.ToUpper("basic") + basic("id:secret")[5:], BasicCredentials{ID: "id", Secret: "secret"}, nil},
		{"two spaces", "Basic  " + basic("id:secret")[6:], BasicCredentials{ID: "id", Secret: "secret"}, nil},
		{"first colon", basic("id:a:b"), BasicCredentials{ID: "id", Secret: "a:b"}, nil},
		{"empty parts", basic(":"), BasicCredentials{}, nil},
		{"not ASCII", basic("é:ü"), BasicCredentials{ID: "é", Secret: "ü"}, nil},
		{"form-encoded", basic("my%3Aid:a%2Fb+c"), BasicCredentials{
			ID: "my%3Aid", Secret: "a%2Fb+c", Decoded: true, DecodedID: "my:id", DecodedSecret: "a/b c",
		}, nil},
		{"only the secret", basic("id:a+b"), BasicCredentials{ID: "id", Secret: "a+b", Decoded: true, DecodedID: "id", DecodedSecret: "a b"}, nil},
		{"percent that is no escape", basic("id:100%"), BasicCredentials{ID: "id", Secret: "100%"}, nil},
		{"one part decodes", basic("a+b:100%"), BasicCredentials{ID: "a+b", Secret: "100%"}, nil},
		{"decodes to a control", basic("id:a%00"), BasicCredentials{ID: "id", Secret: "a%00"}, nil},
		{"decodes to no UTF-8", basic("id:%ff"), BasicCredentials{ID: "id", Secret: "%ff"}, nil},
		{"no header", "", BasicCredentials{}, ErrScheme},
		{"other scheme", "Bearer abc", BasicCredentials{}, ErrScheme},
		{"longer scheme", "Basics abc", BasicCredentials{}, ErrScheme},
		{"tab", "Basic\t" + basic("id:s")[6:], BasicCredentials{}, ErrScheme},
		{"nothing behind", "Basic ", BasicCredentials{}, ErrMalformed},
		{"no colon", basic("id"), BasicCredentials{}, ErrMalformed},
		{"no padding", strings.TrimRight(basic("id:secre"), "="), BasicCredentials{}, ErrMalformed},
		{"stray bits", "Basic aTp=", BasicCredentials{}, ErrMalformed},
		{"URL alphabet", "Basic " + base64.URLEncoding.EncodeToString([]byte("i?:>>>???")), BasicCredentials{}, ErrMalformed},
		{"line end", "Basic aTpz\n", BasicCredentials{}, ErrMalformed},
		{"space at the end", basic("id:secret") + " ", BasicCredentials{}, ErrMalformed},
		{"NUL", basic("id:\x00"), BasicCredentials{}, ErrMalformed},
		{"line feed", basic("i\nd:s"), BasicCredentials{}, ErrMalformed},
		{"DEL", basic("id:\x7f"), BasicCredentials{}, ErrMalformed},
		{"not UTF-8", basic("id:\xff"), BasicCredentials{}, ErrNotUTF8},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := Basic(row.header)
			if !errors.Is(err, row.err) {
				t.Fatalf("got %v, want %v", err, row.err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAuthorizationLimits(t *testing.T) {
	token := "Bearer " + strings.Repeat("a", MaxAuthorization-7)
	if _, err := Bearer(token); err != nil {
		t.Errorf("bearer at the limit: %v", err)
	}
	if _, err := Bearer(token + "a"); !errors.Is(err, ErrTooLong) {
		t.Errorf("bearer beyond the limit: %v", err)
	}
	// Base64 comes in fours and MaxAuthorization - 6 leaves two, so spaces fill up.
	most := basic("id:" + strings.Repeat("s", (MaxAuthorization-6)/4*3-3))
	most = "Basic" + strings.Repeat(" ", MaxAuthorization-len(most)) + most[5:]
	if _, err := Basic(most); err != nil || len(most) != MaxAuthorization {
		t.Errorf("basic at the limit, %d bytes: %v", len(most), err)
	}
	if _, err := Basic("Basic " + most[5:]); !errors.Is(err, ErrTooLong) {
		t.Errorf("basic beyond the limit: %v", err)
	}
}

func TestBearer(t *testing.T) {
	for _, row := range []struct {
		header, want string
		err          error
	}{
		{"Bearer abc.DEF-0_9~+/==", "abc.DEF-0_9~+/==", nil},
		{"bEARER abc", "abc", nil},
		{"Bearer   abc", "abc", nil},
		{"Bearer", "", ErrMalformed},
		{"Bearer ", "", ErrMalformed},
		{"Bearer ==", "", ErrMalformed},
		{"Bearer a=b", "", ErrMalformed},
		{"Bearer a b", "", ErrMalformed},
		{"Bearer a,b", "", ErrMalformed},
		{"Bearer \"a\"", "", ErrMalformed},
		{"Bearer é", "", ErrMalformed},
		{"Bearer a\x00", "", ErrMalformed},
		{"DPoP abc", "", ErrScheme},
		{"abc", "", ErrScheme},
	} {
		got, err := Bearer(row.header)
		if got != row.want || !errors.Is(err, row.err) {
			t.Errorf("%q: got %q, %v; want %q, %v", row.header, got, err, row.want, row.err)
		}
	}
	if got, err := Token("dpop abc", "DPoP"); got != "abc" || err != nil {
		t.Errorf("DPoP: %q, %v", got, err)
	}
}

func TestAuthorizationScheme(t *testing.T) {
	for header, want := range map[string]string{
		"":                 "",
		"Basic abc":        "basic",
		"BEARER abc":       "bearer",
		"DPoP abc":         "dpop",
		"Digest a=b":       "digest",
		"3f0c-token-alone": "3f0c-token-alone",
		"a\"b c":           "",
		" Bearer abc":      "",
	} {
		if got := AuthorizationScheme(header); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

func TestAuthorization(t *testing.T) {
	if got, err := Authorization(http.Header{}); got != "" || err != nil {
		t.Errorf("none: %q, %v", got, err)
	}
	if got, err := Authorization(http.Header{"Authorization": {"a"}}); got != "a" || err != nil {
		t.Errorf("one: %q, %v", got, err)
	}
	if _, err := Authorization(http.Header{"Authorization": {"a", "a"}}); !errors.Is(err, ErrDuplicate) {
		t.Errorf("two: %v", err)
	}
}

// What we accept net/http reads the same, and encoding it gives what was sent.
func FuzzBasic(f *testing.F) {
	for _, seed := range []string{basic("id:secret"), basic("a%3Ab:c+d"), "basic aTpz", "Basic aTp=", "Bearer x", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got, err := Basic(header)
		if err != nil {
			return
		}
		fields := strings.Fields(header)
		id, secret, ok := (&http.Request{Header: http.Header{"Authorization": {"Basic " + fields[1]}}}).BasicAuth()
		if !ok || id != got.ID || secret != got.Secret {
			t.Errorf("net/http reads %q, %q, %v; we read %+v", id, secret, ok, got)
		}
		if basic(got.ID + ":" + got.Secret)[6:] != fields[1] {
			t.Errorf("%q is a second spelling", header)
		}
	})
}

func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "bearer a.b.c==", "Bearer a=b", "Basic x", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, err := Bearer(header)
		if err != nil {
			if token != "" {
				t.Error("a token beside an error")
			}
			return
		}
		if token == "" || strings.ContainsAny(token, " \t\r\n\x00\",;") || !strings.HasSuffix(header, " "+token) {
			t.Errorf("token %q of %q", token, header)
		}
		if again, err := Bearer("Bearer " + token); err == nil && again != token {
			t.Errorf("read again: %q", again)
		}
	})
}

func BenchmarkBasic(b *testing.B) {
	header := basic("3fK9sLqPz0vTn8yWb2Rx:Zk4mV7tQx1pLr9sWn3bYf6hJd8gKc2eT")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Basic(header); err != nil {
			b.Fatal(err)
		}
	}
}
