package web

import (
	"strings"
	"testing"
	"time"
)

// TestPortalPages: pages where partners help themselves are sound, whatever names
// come from elsewhere (row R01), and run a script only where a secret is to be copied.
func TestPortalPages(t *testing.T) {
	p := newPages(t, Theme{Name: hostile("Brand")}, "/at")
	at := Showing{Language: "en", Browser: "b", Now: now}
	for name, said := range map[string]func(string) string{"plain": plainly, "hostile": hostile} {
		frame := PortalFrame{
			Title: said("Export"), Lead: said("In staging."), Docs: "/at/", Who: said("ada"), Own: "https://home.example/account", Of: said("Acme"), Said: said("Done."), Note: said("Wrong."),
			Nav: []ConsoleLink{{Text: "My applications", To: "/applications", Here: true}}, Trail: []ConsoleLink{{Text: said("All"), To: "/applications"}},
		}
		facts := []ConsoleFact{{Name: said("Client id"), Is: []ConsoleCell{{Text: said("a"), Code: true}}}, {Name: "None"}}
		fields := []ConsoleField{
			{Name: "email", Label: said("E-mail"), Kind: "email", Value: said("x"), Complete: "email", Problem: said("Is missing."), Needed: true},
			{Name: "scopes", Label: "Scopes", Kind: "checks", Hint: "Few.", Options: []ConsoleOption{{Value: said("a"), Text: said("A"), Hint: said("what"), Group: said("API"), On: true}}},
		}
		for _, s := range []sample{
			{"nobody", at, PortalPage{PortalFrame: PortalFrame{Title: "Ask", Docs: "/at/"}, Choices: []ConsoleChoice{{Name: "Environment", Links: frame.Nav}}}},
			{"form", at, PortalPage{PortalFrame: frame, Text: []string{said("What.")}, Form: &PortalForm{To: "/ask", Hidden: [][2]string{{"id", said("a")}}, Goes: []string{said("all")}, Fields: fields, Button: "Do", Sharp: true, Back: "/back"}}},
			{"once", at, PortalPage{PortalFrame: frame, Warnings: []string{said("Careful.")}, Once: &PortalOnce{Label: "Client secret", Secret: said("gw"), On: frame.Trail[0]}, Facts: &PortalSheet{Heading: said("Sheet"), Facts: facts}}},
			{"exchange", at, PortalPage{
				PortalFrame: frame, Exchange: &PortalExchange{Sent: said("GET /"), Got: said("HTTP/1.1 200"), Notes: []string{said("Shortened.")}},
				Filter: &ConsoleFilter{To: "/why", Fields: fields[:1], Reset: "/why"}, Actions: frame.Trail, Sections: []ConsoleSection{{Name: "all", Heading: said("All"), Facts: facts}},
				Refusals: &PortalRefusals{Heading: "Last", All: []PortalRefusal{{At: now, Times: 200, Since: now.Add(-time.Hour), Cut: true, Text: said("No."), Why: said("So."), Do: said("Do."), More: "/staging/errors#x", Code: said("c"), Client: said("a"), In: said("Staging")}}},
			}},
		} {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				w := s.show(t, p)
				for _, n := range checkPage(t, w.Body.String()) {
					if n.Data == "script" && (s.name != "once" || !strings.HasPrefix(attr(n, "src"), "/at/assets/copy-")) {
						t.Errorf("script %v", n.Attr)
					}
				}
				if strings.Contains(w.Body.String(), "ZgotmplZ") {
					t.Error("something was filtered out of the page")
				}
				if runs := strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src"); runs != (s.name == "once") {
					t.Errorf("Content-Security-Policy: %s", w.Header().Get("Content-Security-Policy"))
				}
			})
		}
	}
}
