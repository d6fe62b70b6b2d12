package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONObject(t *testing.T) {
	for _, row := range []struct {
		name, body string
		want       error
	}{
		{"usual", `{"grant_type":"client_credentials","audience":"https://a"}`, nil},
		{"white space and escapes", " \r\n\t{ \"audience\" : \"https:\\/\\/a\" , \"grant_type\":\"client\\u005fcredentials\" } \n", nil},
		{"unknown members", `{"grant_type":"client_credentials","audience":"https://a","x":"y"}`, nil},
		{"number", `{"grant_type":1}`, ErrNotString},
		{"null", `{"grant_type":null}`, ErrNotString},
		{"boolean", `{"x":true}`, ErrNotString},
		{"nested", `{"x":{"y":"z"}}`, ErrNotString},
		{"array", `{"scope":["a"]}`, ErrNotString},
		{"array of numbers", `{"resource":[1]}`, ErrNotString},
		{"nested array", `{"resource":[["a"]]}`, ErrNotString},
		{"duplicate", `{"scope":"a","scope":"a"}`, ErrDuplicate},
		{"duplicate by escaping", `{"scope":"a","sc\u006fpe":"a"}`, ErrDuplicate},
		{"duplicate resource", `{"resource":"a","resource":"b"}`, ErrDuplicate},
		{"duplicate empty resource", `{"resource":[],"resource":["b"]}`, ErrDuplicate},
		{"more behind", `{} {}`, ErrMalformed},
		{"garbage behind", `{"a":"b"}x`, ErrMalformed},
		{"cut", `{"a":"b"`, ErrMalformed},
		{"comma at the end", `{"a":"b",}`, ErrMalformed},
		{"comment", `{"a":"b"/**/}`, ErrMalformed},
		{"half a surrogate pair", `{"a":"\ud800"}`, ErrMalformed},
		{"byte order mark", "\ufeff{}", ErrNotObject},
		{"form", "grant_type=client_credentials", ErrNotObject},
		{"nothing", "", ErrNotObject},
		{"string", `"a"`, ErrNotObject},
		{"not UTF-8", "{\"a\":\"\xff\"}", ErrNotUTF8},
		{"NUL", `{"a":"\u0000"}`, ErrNUL},
		{"no name", `{"":"a"}`, ErrEmptyName},
		{"deep", `{"a":` + strings.Repeat("[", 100_000), ErrNotString},
	} {
		t.Run(row.name, func(t *testing.T) {
			sent, err := ParseJSONObject([]byte(row.body))
			if !errors.Is(err, row.want) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			if err == nil && (sent.Get("grant_type") != "client_credentials" || sent.Get("audience") != "https://a") {
				t.Errorf("read %v", sent)
			}
		})
	}
}

func TestJSONObjectResource(t *testing.T) {
	sent, err := ParseJSONObject([]byte(`{"resource":["https://a","","https://b"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"https://a", "https://b"}, sent.Values("resource")); diff != "" {
		t.Error(diff)
	}
}

func TestJSONObjectLimits(t *testing.T) {
	for _, row := range []struct {
		name       string
		most, more string
		want       error
	}{
		{"members", object(MaxParameters), object(MaxParameters + 1), ErrTooMany},
		{"value", text("state", MaxValue), text("state", MaxValue+1), ErrTooLong},
		{"assertion", text("assertion", MaxLongValue), text("assertion", MaxLongValue+1), ErrTooLong},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := ParseJSONObject([]byte(row.most)); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			if _, err := ParseJSONObject([]byte(row.more)); !errors.Is(err, row.want) {
				t.Errorf("beyond the limit: got %v, want %v", err, row.want)
			}
		})
	}
}

// object is a JSON object of n members.
func object(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"m%d":"1"`, i)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func text(name string, n int) string {
	return `{"` + name + `":"` + strings.Repeat("x", n) + `"}`
}

func TestDecodeJSON(t *testing.T) {
	type client struct {
		Name  string   `json:"name"`
		Life  int      `json:"life"`
		Hosts []string `json:"hosts"`
	}
	for _, row := range []struct {
		name, data string
		want       error
		pointer    string
	}{
		{"usual", `{"name":"a","life":60,"hosts":["x"]}`, nil, ""},
		{"unknown", `{"name":"a","age":1}`, ErrUnknownMember, "/age"},
		{"other case", `{"Name":"a"}`, ErrUnknownMember, "/Name"},
		{"duplicate", `{"name":"a","name":"b"}`, ErrDuplicate, "/name"},
		{"wrong type", `{"hosts":["x",1]}`, ErrWrongType, "/hosts/1"},
		{"more behind", `{"name":"a"} {}`, ErrMalformed, ""},
		{"nothing", ``, ErrMalformed, ""},
		{"not UTF-8", "{\"name\":\"\xff\"}", ErrMalformed, "/name"},
		{"byte order mark", "\ufeff{}", ErrMalformed, ""},
		{"NaN", `{"life":NaN}`, ErrMalformed, "/life"},
		{"number too large", `{"life":9007199254740993}`, ErrNumber, "/life"},
		{"number far too large", `{"life":1e400}`, ErrNumber, "/life"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var into client
			err := DecodeJSON([]byte(row.data), &into)
			if !errors.Is(err, row.want) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			wrong, ok := errors.AsType[*JSONError](err)
			if ok != (row.want != nil) {
				t.Fatalf("error of type %T", err)
			}
			if ok && wrong.Pointer != row.pointer {
				t.Errorf("pointer %q, want %q", wrong.Pointer, row.pointer)
			}
			if ok && strings.Contains(err.Error(), "name") {
				t.Errorf("the text repeats what was sent: %v", err)
			}
		})
	}
	var into client
	if err := DecodeOpenJSON([]byte(`{"name":"a","age":1}`), &into); err != nil || into.Name != "a" {
		t.Errorf("open decoding: %v, %v", into, err)
	}
}

func TestDecodeJSONLimits(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, row := range []struct {
		name, most, more string
		want             error
	}{
		{"depth", deep(MaxJSONDepth), deep(MaxJSONDepth + 1), ErrTooDeep},
		{"members", object(MaxJSONMembers), object(MaxJSONMembers + 1), ErrTooMany},
		{"string", text("a", MaxJSONString), text("a", MaxJSONString+1), ErrTooLong},
		{"name", text(strings.Repeat("a", MaxJSONString), 1), text(strings.Repeat("a", MaxJSONString+1), 1), ErrTooLong},
		{
			"string with escapes", `["` + strings.Repeat(`\u0041`, MaxJSONString) + `"]`,
			`["` + strings.Repeat(`\u0041`, MaxJSONString+1) + `"]`, ErrTooLong,
		},
		{"number", "9007199254740992", "9007199254740993", ErrNumber},
		{"negative number", "-9007199254740992", "-9007199254740993", ErrNumber},
	} {
		t.Run(row.name, func(t *testing.T) {
			var into any
			if err := DecodeJSON([]byte(row.most), &into); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			if err := DecodeJSON([]byte(row.more), &into); !errors.Is(err, row.want) {
				t.Errorf("beyond the limit: got %v, want %v", err, row.want)
			}
		})
	}
}

// What we accept encoding/json accepts too, and reads the same in it.
func FuzzJSONObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":"b"}`, `{"resource":["a","b"]}`, `{"a":"\ud83d\ude00"}`, `{"a":1}`, `{"a":"b"} `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ours, err := ParseJSONObject(body)
		if err != nil {
			return
		}
		var theirs map[string]any
		if err := json.Unmarshal(body, &theirs); err != nil {
			t.Fatalf("encoding/json refuses: %v", err)
		}
		for name, value := range theirs {
			if single, ok := value.(string); ok && single != ours.Get(name) {
				t.Errorf("%q: %q, encoding/json reads %q", name, ours.Get(name), single)
			}
		}
		var into any
		if err := DecodeJSON(body, &into); err != nil {
			t.Errorf("DecodeJSON refuses: %v", err)
		}
	})
}

func BenchmarkJSONObject(b *testing.B) {
	body := []byte(`{"grant_type":"client_credentials","client_id":"3fK9sLqPz0vTn8yWb2Rx","client_secret":"Zk4mV7tQx1pLr9sWn3bYf6hJd8gKc2eT","audience":"https://api.example/"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseJSONObject(body); err != nil {
			b.Fatal(err)
		}
	}
}
