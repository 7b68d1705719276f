package e2e_test

import (
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
	i.notified(1)
	// A tag that is not there is a request and a step that fail, and an alert that
	// is pending.
	if result := made(i.Run(t.Context(), "subscribe", i.registry.Host()+"/shop/absent:1"))(t); result.Code != 1 {
		t.Fatalf("subscribing to a tag that does not exist: exit code %d: %s", result.Code, result.Err)
	}
	i.do("subscribe", "--no-verify", i.registry.Host()+"/shop/absent:1")
	documented := documentedMetrics(t)
	always := slices.DeleteFunc(slices.Clone(documented), func(name string) bool { return name == onlyOverloaded })
	if diff := cmp.Diff(always, i.shownMetrics()); diff != "" {
		t.Errorf("docs/metrics.md and /metrics differ (-documented +shown)\n%s", diff)
	}
	for _, name := range ours.FindAllString(read(t, "../deploy/prometheus/alerts.yml"), -1) {
		if !slices.Contains(documented, family(name)) {
			t.Errorf("an alert asks for %s, which is not documented", name)
		}
	}
	watching := startPrometheus(t, i.Listen())
	shown := readDashboard(t)
	for _, panel := range shown.all() {
		for _, target := range panel.Targets {
			watching.mustAnswer(t, panel.Title, target.Expr)
		}
	}
	for _, annotation := range shown.Annotations.List {
		watching.mustUnderstand(t, annotation.Expr)
	}
	watching.mustHaveRules(t)
}

// onlyOverloaded is the metric that a worker has only while it is overloaded.
const onlyOverloaded = "tagwatch_waiting_seconds"

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

// asGrafana fills in what Grafana does when everything is chosen.
var asGrafana = strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$job", ".*")

// mustAnswer puts a question as Grafana would. A new Prometheus needs a moment
// until it can tell rates.
func (p *prometheus) mustAnswer(t *testing.T, title, expression string) {
	t.Helper()
	question := asGrafana.Replace(expression)
	var results []any
	p.eventually(t, fmt.Sprintf("%s: %s has an answer", title, question), func() bool {
		var answer struct{ Result []any }
		p.get(t, "/api/v1/query?query="+url.QueryEscape(question), &answer)
		results = answer.Result
		return len(results) > 0
	})
}

// mustUnderstand puts a question that may have no answer.
func (p *prometheus) mustUnderstand(t *testing.T, expression string) {
	t.Helper()
	p.get(t, "/api/v1/query?query="+url.QueryEscape(asGrafana.Replace(expression)), new(struct{ Result []any }))
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
