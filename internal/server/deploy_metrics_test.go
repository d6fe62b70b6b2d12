package server

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantway/grantway/internal/refusal"
)

// published are the names of all metrics of a server and of a gateway apart, with
// their labels.
func published(t *testing.T) map[string][]string {
	t.Helper()
	s := start(t, setup{example: "fitness"})
	descriptions := make(chan *prometheus.Desc, 1000)
	s.server.registry.Describe(descriptions)
	gatewayGauges{}.Describe(descriptions)
	close(descriptions)
	found := map[string][]string{"up": nil} // Prometheus' own
	shape := regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	for d := range descriptions {
		part := shape.FindStringSubmatch(d.String())
		if part == nil {
			t.Fatalf("cannot read %s", d)
		}
		found[part[1]] = strings.Split(part[2], ",")
	}
	gathered, err := s.server.registry.Gather() // what describes itself by its samples only
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range gathered {
		if _, known := found[family.GetName()]; !known {
			found[family.GetName()] = nil
		}
	}
	return found
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	selectors = regexp.MustCompile(`\{([^}]*)\}`)
	grouping  = regexp.MustCompile(`\b(by|on|without|ignoring) ?\(([^)]*)\)`)
	ranges    = regexp.MustCompile(`\[[^\]]*\]|\boffset \w+`)
	name      = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	words     = []string{"and", "or", "unless", "sum", "min", "max", "rate", "increase", "topk", "histogram_quantile"}
	always    = []string{"job", "instance", "le"} // labels that Prometheus gives
)

// checkExpression reports what an expression names that does not exist.
func checkExpression(t *testing.T, where, text string, metrics map[string][]string) {
	t.Helper()
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(text, pair[:1]) != strings.Count(text, pair[1:]) {
			t.Errorf("%s: %s are not balanced", where, pair)
		}
	}
	for _, literal := range quoted.FindAllString(text, -1) {
		for id := range strings.SplitSeq(strings.Trim(literal, `"`), "|") {
			if strings.Contains(text, "reason=~"+literal) && refusal.Find(id) == nil {
				t.Errorf("%s: there is no reason %q", where, id)
			}
		}
	}
	bare := quoted.ReplaceAllString(text, "")
	var labels []string
	for _, part := range selectors.FindAllStringSubmatch(bare, -1) {
		labels = append(labels, name.FindAllString(part[1], -1)...)
	}
	for _, part := range grouping.FindAllStringSubmatch(bare, -1) {
		labels = append(labels, name.FindAllString(part[2], -1)...)
	}
	for _, shape := range []*regexp.Regexp{selectors, grouping, ranges} {
		bare = shape.ReplaceAllString(bare, " ")
	}
	known := slices.Clone(always)
	used := 0
	for _, word := range name.FindAllString(bare, -1) {
		of, ok := metrics[strings.TrimSuffix(word, "_bucket")]
		switch {
		case ok:
			used++
			known = append(known, of...)
		case !slices.Contains(words, word):
			t.Errorf("%s: there is no metric %q", where, word)
		}
	}
	if used == 0 {
		t.Errorf("%s looks at no metric", where)
	}
	for _, label := range labels {
		if !slices.Contains(known, label) {
			t.Errorf("%s: its metrics have no label %q", where, label)
		}
	}
}

func TestDeployAlerts(t *testing.T) {
	metrics := published(t)
	text, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	placeholders := regexp.MustCompile(`\$labels\.(\w+)`)
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if seen[rule.Alert] || !strings.HasPrefix(rule.Alert, "Grantway") {
				t.Errorf("%q is there twice, or not ours", rule.Alert)
			}
			seen[rule.Alert] = true
			checkExpression(t, rule.Alert, rule.Expr, metrics)
			if _, err := time.ParseDuration(rule.For); rule.For != "" && err != nil {
				t.Errorf("%s: for: %v", rule.Alert, err)
			}
			if !slices.Contains([]string{"page", "ticket"}, rule.Labels["severity"]) {
				t.Errorf("%s has the severity %q", rule.Alert, rule.Labels["severity"])
			}
			if rule.Annotations["summary"] == "" || rule.Annotations["do"] == "" {
				t.Errorf("%s does not say what is wrong and what to do", rule.Alert)
			}
			// What was summed up without a label does not have it any more.
			if by := grouping.FindStringSubmatch(rule.Expr); by != nil {
				for _, text := range rule.Annotations {
					for _, label := range placeholders.FindAllStringSubmatch(text, -1) {
						if !slices.Contains(name.FindAllString(by[2], -1), label[1]) {
							t.Errorf("%s names the label %s, which its expression drops", rule.Alert, label[1])
						}
					}
				}
			}
		}
	}
	for _, wanted := range []string{"GrantwayVerificationErrors", "GrantwayStoreUnreachable", "GrantwayFeedStale", "GrantwayKeyRotationOverdue", "GrantwayRefusalsSurge"} {
		if !seen[wanted] {
			t.Errorf("there is no alert %s", wanted)
		}
	}
}

func TestDeployDashboard(t *testing.T) {
	metrics := published(t)
	text, err := os.ReadFile("../../deploy/grafana/grantway.json")
	if err != nil {
		t.Fatal(err)
	}
	type place struct{ X, Y, W, H int }
	var board struct {
		UID    string
		Panels []struct {
			ID      int
			Title   string
			GridPos place
			Targets []struct{ RefID, Expr string }
		}
		Templating struct {
			List []struct {
				Name  string
				Query json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	if board.UID == "" || len(board.Panels) < 10 {
		t.Errorf("the dashboard %q has %d panels", board.UID, len(board.Panels))
	}
	taken := map[[2]int]string{}
	for _, p := range board.Panels {
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s is wider than the board", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, ok := taken[at]; ok {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
		if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			checkExpression(t, p.Title, target.Expr, metrics)
		}
	}
	for _, v := range board.Templating.List {
		if of := regexp.MustCompile(`label_values\((\w+), (\w+)\)`).FindStringSubmatch(string(v.Query)); of != nil && !slices.Contains(metrics[of[1]], of[2]) {
			t.Errorf("%s asks for %s of %s, which does not exist", v.Name, of[2], of[1])
		}
	}
}

// What is gathered when somebody looks has the values that it says.
func TestGauges(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	s.clock.move(90 * time.Second)
	value := func(metric string, labels ...string) float64 {
		t.Helper()
		gathered, err := s.server.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range gathered {
			for _, m := range family.GetMetric() {
				all := ""
				for _, l := range m.GetLabel() {
					all += l.GetName() + "=" + l.GetValue() + " "
				}
				if family.GetName() == metric && !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(all, l+" ") }) {
					return m.GetGauge().GetValue() + m.GetCounter().GetValue()
				}
			}
		}
		t.Fatalf("no %s with %v", metric, labels)
		return 0
	}
	environment := s.catalogue.Environments[0].Name
	label := "environment=" + environment
	if got := value("grantway_store_up", label); got != 1 {
		t.Errorf("the store is up: %v", got)
	}
	if got := value("grantway_signing_key_age_seconds", label); got != 90 {
		t.Errorf("the key signs for %v s", got)
	}
	if got := value("grantway_feed_age_seconds", label); got > 90 {
		t.Errorf("what is revoked was known %v s ago", got)
	}
	if got := value("grantway_activity_behind_seconds", label); got > 90 {
		t.Errorf("the activity is %v s behind", got)
	}
	if got := value("grantway_activity_dropped_total", label, "what=fact"); got != 0 {
		t.Errorf("%v facts are dropped", got)
	}
	if err := s.environment(environment).resources.store.Close(); err != nil {
		t.Fatal(err)
	}
	if got := value("grantway_store_up", label); got != 0 {
		t.Errorf("a closed store is up: %v", got)
	}
}
