package secret_test

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/secret"
)

// TestSignature is what a receiver computes, from the description alone.
func TestSignature(t *testing.T) {
	at := time.Unix(1_800_000_000, 999)
	got := secret.Of("key").Signature(at, []byte(`{"a":1}`))
	const want = "t=1800000000,v1=7330c9cf7d886970cbebbbb5494c04d2aeff06a990adb7d7a75abfeb0159d291"
	if got != want {
		t.Error(got)
	}
}
