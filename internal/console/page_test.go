package console

import "testing"

func TestProvenBy(t *testing.T) {
	for _, row := range []struct {
		methods []string
		want    string
	}{
		{nil, ""},
		{[]string{"pwd"}, "password"},
		{[]string{"pwd", "otp", "mfa"}, "password and code"},
		{[]string{"hwk", "user", "mfa"}, "passkey"},
		{[]string{"swk", "hwk", "user", "mfa"}, "passkey"},
		{[]string{"fed"}, "provider"},
		{[]string{"face"}, "face"},
	} {
		if got := provenBy(row.methods); got != row.want {
			t.Errorf("%q is said as %q, not %q", row.methods, got, row.want)
		}
	}
}
