package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/store"
)

// TestSelfServiceOfMany: an organisation with more applications than are listed is told
// so, opens each by its client id, and is told why it was refused.
func TestSelfServiceOfMany(t *testing.T) {
	t.Parallel()
	h := helps(t)
	if words := h.admin.visit("/portal/applications").words(); strings.Contains(words, "Open another by its client id") {
		t.Error("one of few is to be opened by its id")
	}
	e := h.environment("staging")
	last := ""
	for i := range 101 { // ids that sort after all that are made
		last = fmt.Sprintf("~many-%03d", i)
		err := e.resources.store.Clients().Create(t.Context(), store.Client{
			ID: last, Name: "Export " + last, Partner: h.partner.ID, Type: store.TypeMachine,
			Grants: []string{"client_credentials"}, Allotted: map[string][]string{"notes": {"notes:read"}}, CreatedAt: begin,
		}, h.by())
		if err != nil {
			t.Fatal(err)
		}
	}
	const trace = "0123456789abcdef0123456789abcdef"
	err := e.resources.store.Activity().Add(t.Context(), nil, []store.RefusedRequest{{Trace: trace, At: begin, Client: last, API: "notes", Route: "token", Refusal: "scope-unknown"}})
	if err != nil {
		t.Fatal(err)
	}
	words := h.developer.visit("/portal/applications").words()
	if strings.Contains(words, last) || !strings.Contains(words, "Open another by its client id") {
		t.Errorf("of more than are listed: %s", words)
	}
	if form, _, ok := h.developer.form("/application"); !ok || !form.Has("id") || !strings.Contains(h.developer.body, `<option value="staging" selected>`) {
		t.Errorf("the form to open one is %v:\n%s", form, h.developer.body)
	}
	if words := h.developer.visit("/portal/application?environment=staging&id=" + last).words(); h.developer.code != http.StatusOK || !strings.Contains(words, "Export "+last) {
		t.Errorf("one that is not listed: %d %s", h.developer.code, words)
	}
	if words := h.developer.visit("/portal/why?trace=" + trace).words(); !strings.Contains(words, last) {
		t.Errorf("why one that is not listed was refused: %s", words)
	}
	eve := h.member(t, "eve")
	if words := eve.visit("/portal/why?trace=" + trace).words(); strings.Contains(words, last) || !strings.Contains(words, "No refused request of your clients") {
		t.Errorf("another organisation is told: %s", words)
	}
}
