package wire

import (
	"strings"
	"testing"
)

func TestMethodInQuery(t *testing.T) {
	for query, want := range map[string]bool{
		"_method=DELETE":                 true,
		"_method":                        true,
		"a=1&_method=DELETE&b=2":         true,
		"a=1;_method=DELETE":             true,
		"?_method=DELETE":                true,
		"_METHOD=put":                    true,
		"%5fmethod=DELETE":               true,
		"_meth%6Fd=DELETE":               true,
		"%u005Fmethod=DELETE":            true,
		".method=DELETE":                 true,
		"+_method=DELETE":                true,
		"%20_method=DELETE":              true,
		"_method%00x=DELETE":             true,
		"[_method]=DELETE":               true,
		"%5B_method%5D=DELETE":           true,
		"_method[]=DELETE":               true,
		"_HttpMethod=PATCH":              true,
		"x-http-method-override=PUT":     true,
		"X_HTTP_Method_Override=PUT":     true,
		"X-HTTP-Method=MERGE":            true,
		"x-method-override=PUT":          true,
		"a=%zz&x%2Dhttp%2Dmethod=DELETE": true,

		"":                             false,
		"&":                            false,
		"method=DELETE":                false,
		"a=_method":                    false,
		"a=1&b=_method=DELETE":         false,
		"_methods=DELETE":              false,
		"_metho=DELETE":                false,
		"x-http-method-overrides=1":    false,
		"%5f%":                         false,
		"_method%=DELETE":              false,
		"%u015Fmethod=DELETE":          false,
		"%%5fmethod=DELETE":            false,
		strings.Repeat("x", 10000):     false,
		"payment_method=card&q=a+b%20": false,
	} {
		if got := MethodInQuery(query); got != want {
			t.Errorf("%.40q: %v", query, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { MethodInQuery("page=2&filter=a%20b&x-http-method-overrided=1") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
