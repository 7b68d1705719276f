package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/lab"
)

// TestMetrics compares what a running worker shows with what is documented, and
// puts every question of the dashboard and of the alert rules to a Prometheus
// that watches the worker.
func TestMetrics(t *testing.T) {
	i := install(t, "TAGWATCH_POLL=30s")
	reference := i.push("shop/web:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", reference, "--wait")
	i.told(1)
	// A tag that is not there is a step that fails.
	if result := made(i.Run(t.Context(), "subscribe", i.registry.Host()+"/shop/absent:1"))(t); result.Code != 1 {
		t.Fatalf("subscribing to a tag that does not exist: exit code %d: %s", result.Code, result.Err)
	}
	documented := documentedMetrics(t)
	if diff := cmp.Diff(documented, i.shownMetrics()); diff != "" {
		t.Errorf("docs/metrics.md and /metrics differ (-documented +shown)\n%s", diff)
	}
	for _, name := range ours.FindAllString(read(t, "../deploy/prometheus/alerts.yml"), -1) {
		if !slices.Contains(documented, family(name)) {
			t.Errorf("an alert asks for %s, which is not documented", name)
		}
	}
	watching := startPrometheus(t, i.Listen())
	for title, expressions := range dashboard(t) {
		for _, expression := range expressions {
			watching.mustAnswer(t, title, expression)
		}
	}
	watching.mustHaveRules(t)
}

// ours are names of Tagwatch's own metrics.
var ours = regexp.MustCompile(`\btagwatch_[a-z_]+\b`)

// family is the name of a metric without what a histogram adds to it.
func family(name string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if trimmed, found := strings.CutSuffix(name, suffix); found {
			return trimmed
		}
	}
	return name
}

// documentedMetrics are the names in the tables of the documentation.
func documentedMetrics(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(tagwatch_[a-z_]+)`").FindAllStringSubmatch(read(t, "../docs/metrics.md"), -1) {
		names = append(names, row[1])
	}
	return slices.Sorted(slices.Values(names))
}

// shownMetrics are the names on the worker's page.
func (i *installation) shownMetrics() []string {
	i.t.Helper()
	response := made(http.Get("http://" + i.Listen() + "/metrics"))(i.t)
	defer response.Body.Close()
	page := string(made(io.ReadAll(response.Body))(i.t))
	names := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^# TYPE (tagwatch_[a-z_]+) `).FindAllStringSubmatch(page, -1) {
		names[row[1]] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func read(t *testing.T, path string) string {
	t.Helper()
	return string(made(os.ReadFile(path))(t))
}

// dashboard are the questions of each panel.
func dashboard(t *testing.T) map[string][]string {
	t.Helper()
	var document struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	must(t, json.Unmarshal([]byte(read(t, "../deploy/grafana/tagwatch.json")), &document))
	asked := map[string][]string{}
	for _, panel := range document.Panels {
		for _, target := range panel.Targets {
			asked[panel.Title] = append(asked[panel.Title], target.Expr)
		}
	}
	if len(asked) < 20 {
		t.Fatalf("the dashboard asks for too little: %v", asked)
	}
	return asked
}

// mustAnswer puts a question as Grafana would. A new Prometheus needs a moment
// until it can tell rates.
func (p *prometheus) mustAnswer(t *testing.T, title, expression string) {
	t.Helper()
	question := strings.NewReplacer("$__rate_interval", "1m", "$job", ".*").Replace(expression)
	var results []any
	p.eventually(t, fmt.Sprintf("%s: %s has an answer", title, question), func() bool {
		var answer struct{ Result []any }
		p.get(t, "/api/v1/query?query="+url.QueryEscape(question), &answer)
		results = answer.Result
		return len(results) > 0
	})
}

// mustHaveRules waits until every alert rule was evaluated, without an error.
func (p *prometheus) mustHaveRules(t *testing.T) {
	t.Helper()
	rules := strings.Count(read(t, "../deploy/prometheus/alerts.yml"), "- alert:")
	p.eventually(t, "every rule is evaluated", func() bool {
		var answer struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
		p.get(t, "/api/v1/rules", &answer)
		healthy := 0
		for _, group := range answer.Groups {
			for _, rule := range group.Rules {
				if rule.LastError != "" {
					t.Fatalf("rule %s: %s", rule.Name, rule.LastError)
				}
				if rule.Health == "ok" {
					healthy++
				}
			}
		}
		return healthy == rules
	})
}
