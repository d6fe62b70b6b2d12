package server

import (
	"strings"
	"testing"
)

// TestOwnDocumentationIsNotShared: the documentation as Markdown is any page's to read,
// but for what it says to who is signed in.
func TestOwnDocumentationIsNotShared(t *testing.T) {
	t.Parallel()
	h := helps(t)
	const page = "/portal/staging/credentials.md"
	guest, own := h.visitor(t).visit(page), h.admin.visit(page)
	if strings.Contains(guest.body, h.own.Client.ID) || guest.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("to everybody: %v\n%s", guest.header, guest.body)
	}
	if !strings.Contains(own.body, h.own.Client.ID) || own.header.Get("Access-Control-Allow-Origin") != "" || !strings.HasPrefix(own.header.Get("Cache-Control"), "private") {
		t.Errorf("to a member: %v\n%s", own.header, own.body)
	}
}
