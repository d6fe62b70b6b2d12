package browser

import "testing"

// TestConsole drives the publisher's console as `grantway dev` has it.
func TestConsole(t *testing.T) {
	demonstrate(t, "console.mjs", map[string]string{"staging": "/staging/auth"})
}
