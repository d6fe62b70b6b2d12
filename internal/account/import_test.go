package account

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/grantway/grantway/internal/store"
)

func TestImport(t *testing.T) {
	w := newWorld(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("kort"), 4)
	if err != nil {
		t.Fatal(err)
	}
	w.person("there")
	file := "\ufeffname,email,email_verified,given_name,family_name,locale,roles,password_hash\r\n" +
		"jan,jan@x.example,true,Jan,\"Jansen, sr\",nl,teacher mentor,{bcrypt}" + string(hash) + "\r\n" +
		"There,,,,,,,\r\n" +
		"a b,,,,,,,\r\n" +
		"piet,piet@@x.example,,,,,,\r\n" +
		"klaas,,maybe,,,,,\r\n" +
		"short,row\r\n" +
		"kees,,,,,,,0123456789abcdef\r\n" +
		"jan,,,,,,,\r\n" +
		"mia,jan@x.example,yes,,,,,\r\n" +
		"there@school.example,,,,,,,\r\n" +
		"last,,,,,,,\r\n"
	want := []Outcome{
		{Line: 2, Name: "jan", Result: Created},
		{Line: 3, Name: "There", Result: Exists},
		{Line: 4, Name: "a b", Result: Refused},
		{Line: 5, Name: "piet", Result: Refused},
		{Line: 6, Result: Refused},
		{Line: 7, Result: Refused},
		{Line: 8, Name: "kees", Result: Refused},
		{Line: 9, Name: "jan", Result: Exists},
		{Line: 10, Name: "mia", Result: Refused},
		{Line: 11, Name: "there@school.example", Result: Refused},
		{Line: 12, Name: "last", Result: Created},
	}
	run := func(dry bool) []Outcome {
		var got []Outcome
		if err := w.people.Import(t.Context(), ReadCSV(strings.NewReader(file)), dry, w.by(), func(o Outcome) {
			if (o.Reason != "") != (o.Result == Refused) || strings.Contains(o.Reason, "0123456789abcdef") {
				t.Errorf("%+v", o)
			}
			o.Reason = ""
			got = append(got, o)
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	// Dry it says the same, but for a conflict with a row that was not written.
	dry := run(true)
	dry[8] = want[8]
	if diff := cmp.Diff(want, dry); diff != "" {
		t.Error("dry:", diff)
	}
	if _, err := w.store.Accounts().FindBy(t.Context(), "jan"); !errors.Is(err, store.ErrNotFound) {
		t.Error("a dry run wrote", err)
	}
	if diff := cmp.Diff(want, run(false)); diff != "" {
		t.Error(diff)
	}
	want[0].Result, want[10].Result = Exists, Exists
	if diff := cmp.Diff(want, run(false)); diff != "" {
		t.Error("again:", diff)
	}
	a, err := w.store.Accounts().FindBy(t.Context(), "jan@x.example")
	if err != nil || a.Profile.FullName != "Jan Jansen, sr" || !a.Profile.EmailVerified || len(a.Roles) != 2 || a.Profile.Locale != "nl" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, _, err := w.passwords.Check(t.Context(), "jan", "kort", Source{}); err != nil {
		t.Error(err)
	}
}

func TestReadLines(t *testing.T) {
	file := "\ufeff" + `{"name":"jan","email_verified":true,"roles":["a"]}

{"name":"piet","name":"klaas"}
{"name":"piet","unknown":1}
[]
null
{"name":"last"}
{"name":"` + strings.Repeat("x", mostRow) + `"}
{"name":"never"}
`
	var names []string
	var lines []int
	for row, err := range ReadLines(strings.NewReader(file)) {
		if refused, ok := errors.AsType[*RowError](err); ok {
			lines = append(lines, refused.Line)
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		names = append(names, row.Name)
	}
	if diff := cmp.Diff([]string{"jan", "last"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{3, 4, 5, 6, 8}, lines); diff != "" {
		t.Error(diff)
	}
}

func TestReadCSVRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"nothing": "", "unknown column": "name,password\n", "doubled column": "name,name\n", "quotes": "name\n\"a\"b\n",
	} {
		n := 0
		for _, err := range ReadCSV(strings.NewReader(file)) {
			if _, ok := errors.AsType[*RowError](err); !ok {
				t.Errorf("%s: %v", name, err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%s: %d rows", name, n)
		}
	}
}
