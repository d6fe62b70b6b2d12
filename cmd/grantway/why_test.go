package main

import (
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/refusal"
)

// TestWhyNamesTheLog: what lies with us has a cause that only the log knows.
func TestWhyNamesTheLog(t *testing.T) {
	for status, named := range map[int]bool{401: false, 429: false, 500: true, 502: true, 503: true} {
		var out strings.Builder
		e := explained{"staging", admin.RefusedRequest{Reason: admin.Refusal{ID: refusal.Ours.ID, Status: status, Text: "no", Cause: "since", Cure: "do"}}}
		if err := e.write(&out); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "The log of the server says more") != named {
			t.Errorf("of a refusal with %d it says:\n%s", status, &out)
		}
	}
}
