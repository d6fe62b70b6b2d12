package catalogue

import (
	"strings"
	"testing"
	"time"
)

// TestAuditAndRetention: what the file says is read, and what it does not say is the
// default.
func TestAuditAndRetention(t *testing.T) {
	known := func(name string) (string, bool) { return "the hook's secret", name == "HOOK" }
	parse := func(audit, retention string) (*Catalogue, error) {
		file := strings.Replace(homeFile, "ISSUER", "https://admin.sample.example", 1) + audit + retention
		return Parse("grantway.yaml", []byte(file), known)
	}
	c, err := parse("", "")
	if err != nil || c.Retention != DefaultRetention || c.Audit != (Audit{}) {
		t.Errorf("without a word: %+v, %+v, %v", c.Retention, c.Audit, err)
	}
	const hook = "{url: 'https://hooks.sample.example/x', secret: '${HOOK}'}\n"
	c, err = parse("  audit:\n    checkpoints:\n      file: /mnt/worm/checkpoints\n      webhook: "+hook+"    webhook: "+hook,
		"retention:\n  activity: 4000\n  refused: 1\n  requests: 30\n")
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	if c.Retention != (Retention{Activity: 4000 * day, Refused: day, Requests: 30 * day}) {
		t.Errorf("%+v", c.Retention)
	}
	for _, w := range []*Webhook{c.Audit.Told, c.Audit.Webhook} {
		if c.Audit.Checkpoints != "/mnt/worm/checkpoints" || w == nil || w.URL.Path != "/x" || w.Secret.Reveal() != "the hook's secret" {
			t.Errorf("%+v", c.Audit)
		}
	}
	if dev := c.ForDev("http://127.0.0.1:8080", "data"); dev.Retention != c.Retention {
		t.Error("a demonstration keeps things for another time")
	}
	for about, row := range map[string][2]string{
		"home.audit.webhook.url":                {"  audit:\n    webhook: {url: 'http://hooks.sample.example/', secret: '${HOOK}'}\n", ""},
		"home.audit.webhook.secret":             {"  audit:\n    webhook: {url: 'https://hooks.sample.example/'}\n", ""},
		"home.audit.checkpoints.webhook.secret": {"  audit:\n    checkpoints:\n      webhook: {url: 'https://hooks.sample.example/'}\n", ""},
		"retention.activity":                    {"", "retention: {activity: 0}\n"},
		"retention.refused":                     {"", "retention: {refused: 401}\n"},
		"retention.requests":                    {"", "retention: {requests: 29}\n"},
	} {
		if _, err := parse(row[0], row[1]); err == nil || !strings.Contains(err.Error(), about) {
			t.Errorf("%s: %v", about, err)
		}
	}
}
