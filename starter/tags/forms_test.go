package tags

import (
	"encoding/csv"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// TestWatchedLine: whoever subscribes again reads what that replaced.
func TestWatchedLine(t *testing.T) {
	t.Parallel()
	target, err := image.ParseTarget("docker.io/library/nginx:1.27")
	if err != nil {
		t.Fatal(err)
	}
	one := operations.SubscribedTag{Target: target, Types: []notification.Type{notification.TagUpdate}}
	again := one
	again.Already = true
	changed := again
	changed.Replaced = []subscription.Replacement{{Option: "endpoints", Before: "ops"}, {Option: "min_severity", Before: "High", After: "Low"}}
	for want, tag := range map[string]operations.SubscribedTag{
		"docker.io/library/nginx:1.27 is watched: tag_update":                                                                      one,
		"docker.io/library/nginx:1.27 is already watched: tag_update":                                                              again,
		"docker.io/library/nginx:1.27 is watched: tag_update; options replaced: endpoints ops -> (none); min_severity High -> Low": changed,
	} {
		if got := watchedLine(tag); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestGoesOn: whoever stops waiting reads what goes on, and it is not said to be an analysis
// that is done.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	target, err := image.ParseTarget("docker.io/library/nginx:1.27")
	if err != nil {
		t.Fatal(err)
	}
	for step, want := range map[string]string{
		"":                     "the analysis goes on; see: tagwatch status docker.io/library/nginx:1.27",
		"analyzing image 1234": "the work goes on without you: analyzing image 1234; see: tagwatch status docker.io/library/nginx:1.27",
		"analyzed; waiting for vulnerability data, see: tagwatch feed status": "the work goes on without you: analyzed; waiting for vulnerability data, see: tagwatch feed status",
	} {
		if got := goesOn(target, step); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestYAMLIsTheJSON: whatever strings hold, YAML says the same as JSON.
func TestYAMLIsTheJSON(t *testing.T) {
	t.Parallel()
	value := map[string]any{"list": []string{}, "none": nil, "number": 12345678901, "part": 0.25, "yes": true,
		"time": time.Date(2026, 11, 30, 1, 2, 3, 0, time.UTC), "a: b": "c: d", "e\u202ef": 1,
		"texts": []string{"", "no", "On", "~", "null", "1.27", "0x10", "1e3", "12:30:00", "2026-11-30", "nginx:1.27", "ends:", "a #b", "- a", "a\nb\n", "\tx", " x ", "@a", "*", "{}", `"`, `\`, "é", "😀", "a\u009b31mb\u009d0;owned\u009c\u202etxt.exe\u2066\u200f\x1b]0;x\a\x7f\u2028\U000e0041z"}}
	var out strings.Builder
	if err := session.WriteYAML(&output.Shield{Writer: &out}, value); err != nil {
		t.Fatal(err)
	}
	var got any
	if err := yaml.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatalf("%v:\n%s", err, out.String())
	}
	if want := asJSON(t, value); asJSON(t, got) != want {
		t.Errorf("YAML says %s\nJSON says %s", asJSON(t, got), want)
	}
	for _, bare := range []string{"- no\n", "- On\n", "- y\n"} {
		if strings.Contains(out.String(), bare) {
			t.Errorf("%q is a boolean to some parsers:\n%s", bare, out.String())
		}
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestYAMLKeepsTheOrder of the fields.
func TestYAMLKeepsTheOrder(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	view := operations.Affected{Target: target(t, "docker.io/library/nginx:1.27"), ID: "CVE-2026-0001", Severity: vuln.Critical}
	if err := session.WriteYAML(&out, []operations.Affected{view}); err != nil {
		t.Fatal(err)
	}
	if want := "- target: docker.io/library/nginx:1.27\n  digest: \"\"\n"; !strings.HasPrefix(out.String(), want) {
		t.Errorf("written\n%swant\n%s", out.String(), want)
	}
}

func target(t *testing.T, text string) image.Target {
	t.Helper()
	parsed, err := image.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestCSV: one record for each item under the columns of the type.
func TestCSV(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 30, 1, 2, 3, 0, time.UTC)
	type sample struct {
		operations.TagStatus
		Hidden string `json:"-"`
		Plain  []string
	}
	for _, test := range []struct {
		name  string
		items any
		want  map[string]string // of the first record
	}{
		{"no item", []operations.TagStatus{}, nil},
		{"left out fields", []operations.TagStatus{{Target: target(t, "nginx:1")}}, map[string]string{"target": "docker.io/nginx:1", "digest": "", "problem.since": ""}},
		{"nested", []operations.TagStatus{{Counts: vuln.Counts{High: 3}, Problem: &operations.Problem{Message: `a, "b"`, Since: since}}},
			map[string]string{"vulnerabilities.high": "3", "problem.message": `a, "b"`, "problem.since": "2026-11-30T01:02:03Z"}},
		{"maps and lists", []sample{{TagStatus: operations.TagStatus{Labels: map[string]string{"b": "1", "a": "2"}}, Plain: []string{"x", "y"}}},
			map[string]string{"labels": `{"a":"2","b":"1"}`, "Plain": "x;y"}},
		{"one value", vuln.Counts{High: 3}, map[string]string{"critical": "0", "high": "3"}},
		{"no type", []json.RawMessage{[]byte(`{"a":{"b":1},"c":[{"d":2}]}`)}, map[string]string{"a.b": "1", "c": `[{"d":2}]`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := session.WriteCSV(&out, test.items); err != nil {
				t.Fatal(err)
			}
			records, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
			if err != nil || len(records) == 0 {
				t.Fatalf("%v: %q", err, out.String())
			}
			if test.want == nil {
				if len(records) != 1 || records[0][0] != "target" {
					t.Errorf("%q is not a header alone", records)
				}
				return
			}
			got := map[string]string{}
			for i, column := range records[0] {
				if _, asked := test.want[column]; asked {
					got[column] = records[1][i]
				}
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q in\n%s", got, test.want, out.String())
			}
		})
	}
}
