package browser

import "testing"

// TestSelfService drives a partner from "ask for access" to a first call, a rotation
// and a secret that leaked, as `grantway dev` has the portal.
func TestSelfService(t *testing.T) {
	demonstrate(t, "selfservice.mjs", map[string]string{"staging": "/staging", "caching": "max-age|no-cache|no-store"})
}
