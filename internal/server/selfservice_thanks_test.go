package server

import (
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/partner"
)

// TestThanksForWhatAStrangerAsked: what is confirmed by mail is a stranger's request,
// also where the browser that opens the link is somebody's who is signed in.
func TestThanksForWhatAStrangerAsked(t *testing.T) {
	t.Parallel()
	h := helps(t)
	h.visitor(t).visit("/portal/ask").submit("/ask", asks("hilda@harbour.example")...)
	h.admin.confirm(h.mailed(t, "home", "hilda@harbour.example", partner.ConfirmPath))
	if words := h.admin.words(); !strings.Contains(words, "a link to choose a password") || strings.Contains(words, "stands with your applications") {
		t.Error(words)
	}
	h.admin.visit("/portal/ask").submit("/ask", "application", "Winches", "purpose", "More lifting", "scopes", "notes notes:read")
	if words := h.admin.words(); !strings.Contains(words, "stands with your applications") {
		t.Error(words)
	}
}
