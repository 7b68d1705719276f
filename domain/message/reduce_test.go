package message_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// large is a notification of each type with long lists, in which the most severe
// comes first.
func large(t *testing.T, kind notification.Type, length int) notification.Notification {
	t.Helper()
	var findings []vuln.Finding
	var packages []vuln.Package
	var tags []string
	var rows [][]any
	for i := range length {
		p := vuln.Package{Name: fmt.Sprintf("package-%d", i), Version: "1", Type: "deb"}
		packages, tags = append(packages, p), append(tags, fmt.Sprintf("v1.%d", i))
		findings = append(findings, vuln.Finding{ID: fmt.Sprintf("CVE-2026-%04d", i), Package: p, Severity: vuln.Low})
		rows = append(rows, []any{"id", "tag", "trigger", "gate", "trigger", "output", "stop", false, "policy"})
	}
	findings[length-1].Severity = vuln.Critical
	before, after := evidence(first), evidence(second)
	evaluation := notification.Evaluation{Status: "fail", FinalAction: "stop"}
	var err error
	evaluation.Document, err = json.Marshal(map[string]any{"image_digest": first, "status": "fail", "final_action": "stop", "final_action_reason": "policy_evaluation",
		"bundle": map[string]any{"id": "b", "policies": rows},
		"result": map[string]any{"abc": map[string]any{"result": map[string]any{"header": rows[0], "rows": rows, "row_count": length}}}})
	if err != nil {
		t.Fatal(err)
	}
	content := map[notification.Type]notification.Content{
		notification.AnalysisUpdate: notification.ImageAnalyzed{Target: nginx, Before: before, After: after},
		notification.TagUpdate: notification.TagMoved{Target: nginx, Before: before, After: after, Difference: &notification.ImageDifference{PackagesAdded: packages,
			Fixed: findings}},
		notification.VulnUpdate:    notification.VulnerabilitiesChanged{Target: nginx, Before: before, After: after, Added: findings, Removed: findings[:3]},
		notification.PolicyEval:    notification.PolicyEvaluated{Target: nginx, Before: before, After: after, Last: evaluation, Current: evaluation},
		notification.RuntimeUpdate: notification.RuntimeChanged{Target: nginx, Update: workload.Update{Key: workload.Key{Source: "prod", Kind: "service", Name: "web"}, After: second, Age: workload.Current}},
		notification.RepoUpdate:    notification.TagsFound{Repository: nginx.Reference.Repository, New: tags},
		notification.EventLog: notification.Logged{Event: "system.x", Level: notification.LevelError, At: noon, Details: map[string]any{"tags": tags},
			Resource: notification.Resource{ID: "x"}},
	}[kind]
	heading := notification.Heading{ID: "id-" + string(kind), Account: "admin", Causes: []notification.Cause{notification.CauseFeed, notification.CauseImage}, Created: noon}
	if kind == notification.EventLog {
		heading.Causes = nil
	}
	n, err := notification.New(heading, content)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// payloadOf is notification_payload, or data of a CloudEvent.
func payloadOf(t *testing.T, body message.Body) any {
	t.Helper()
	decoded := map[string]any(decode(t, body.Content))
	for _, path := range []string{"data.notification_payload", "data"} {
		if payload, found := at(decoded, path); found {
			return payload
		}
	}
	return decoded
}

// TestMaxBody: whatever the type and the format, the body fits, keeps to its
// schema, and accounts for every element.
func TestMaxBody(t *testing.T) {
	t.Parallel()
	const length = 1500
	lists := map[notification.Type][]string{
		notification.TagUpdate:  {"image_difference.packages.added", "image_difference.vulnerabilities.fixed"},
		notification.VulnUpdate: {"diff_vulnerability_result.added"},
		notification.PolicyEval: {"curr_eval.result.abc.result.rows", "last_eval.result.abc.result.rows"},
		notification.RepoUpdate: {"new_tags"},
		notification.EventLog:   {"event.details.tags"},
	}
	for _, format := range []message.Format{message.FormatAnchore, message.FormatCloudEvents} {
		for kind, paths := range lists {
			for _, limit := range []int{message.LeastMaxBody, 30_000} {
				t.Run(fmt.Sprintf("%s/%s/%d", format, kind, limit), func(t *testing.T) {
					t.Parallel()
					body := render(t, message.Form{Format: format, MaxBody: limit}, large(t, kind, length))
					if len(body.Content) > limit {
						t.Errorf("%d bytes, at most %d", len(body.Content), limit)
					}
					if kind != notification.RepoUpdate && kind != notification.EventLog && len(body.Content) < limit*3/4 && limit > message.LeastMaxBody {
						t.Errorf("%d bytes of %d: more would fit", len(body.Content), limit)
					}
					name := "webhook-cloudevents.json"
					if format == message.FormatAnchore {
						name = "webhook-" + string(kind) + ".json"
					}
					validate(t, name, body)
					payload := payloadOf(t, body)
					reduced, _ := at(payload, "reduced")
					left, _ := at(reduced, "left_out")
					counts, _ := left.(map[string]any) // nothing of a whole body
					for _, path := range paths {
						kept := listAt(payload, path)
						missing, _ := counts[path].(float64)
						if len(kept)+int(missing) != length {
							t.Errorf("%s: %d kept and %g left out of %d", path, len(kept), missing, length)
						}
					}
				})
			}
		}
	}
}

// listAt is the list at a path of keys, some of which hold dots.
func listAt(value any, path string) []any {
	keys := strings.Split(path, ".")
	for _, key := range keys {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	found, _ := value.([]any)
	return found
}

func TestMaxBodyKeepsTheMostSevere(t *testing.T) {
	t.Parallel()
	payload := payloadOf(t, render(t, message.Form{MaxBody: message.LeastMaxBody}, large(t, notification.VulnUpdate, 1500)))
	if worst, _ := at(payload, "diff_vulnerability_result.added.Severity"); worst != "Critical" {
		t.Errorf("the first of the kept ones is %v", worst)
	}
	if all, _ := at(payload, "counts.added"); all != 1500.0 {
		t.Errorf("counts.added is %v", all)
	}
	if link, _ := at(payload, "link"); link != "https://tagwatch.example.com/tag?name=docker.io%2Flibrary%2Fnginx%3A1.25" {
		t.Errorf("link %v", link)
	}
	// A bundle that is named by its hash goes before anything else.
	evaluated := large(t, notification.PolicyEval, 100)
	whole := render(t, message.Form{}, evaluated)
	payload = payloadOf(t, render(t, message.Form{MaxBody: len(whole.Content) - 1}, evaluated))
	if rows := listAt(payload, "curr_eval.result.abc.result.rows"); len(rows) != 100 {
		t.Errorf("%d rows of 100 are kept, although the bundle could go", len(rows))
	}
}

// A body that fits is sent as it was stored.
func TestMaxBodyLeavesWhatFits(t *testing.T) {
	t.Parallel()
	for _, kind := range notification.Types {
		whole := render(t, message.Form{}, sample(t, kind))
		if diff := cmp.Diff(string(whole.Content), string(render(t, message.Form{MaxBody: 100_000}, sample(t, kind)).Content)); diff != "" {
			t.Errorf("%s (-whole +limited)\n%s", kind, diff)
		}
	}
}

// TestSlimForm has no element of any list, says why, and keeps to the schema.
func TestSlimForm(t *testing.T) {
	t.Parallel()
	slim := pending
	slim.Slim = true
	for _, format := range []message.Format{"", message.FormatCloudEvents} {
		for _, kind := range notification.Types {
			n := large(t, kind, 1500)
			body, err := message.Render(message.Form{Format: format}, n, slim, account)
			if err != nil {
				t.Fatal(err)
			}
			name := "webhook-cloudevents.json"
			if format == "" {
				name = "webhook-" + string(kind) + ".json"
			}
			validate(t, name, body)
			payload := payloadOf(t, body)
			if because, _ := at(payload, "reduced.because"); because != "size_refused" || len(body.Content) > message.LeastMaxBody {
				t.Errorf("%s: %d bytes because of %v", kind, len(body.Content), because)
			}
			if summary, _ := at(payload, "reduced.summary"); summary != n.Summary {
				t.Errorf("%s: summary %v", kind, summary)
			}
		}
	}
}

func TestMaxBodyOfGroups(t *testing.T) {
	t.Parallel()
	const limit = 20_000
	var all []notification.Notification
	for i := range 60 {
		n := sample(t, notification.VulnUpdate)
		if i == 7 {
			n = large(t, notification.VulnUpdate, 1500)
		}
		n.ID = fmt.Sprint(i)
		all = append(all, n)
	}
	for _, format := range []message.Format{message.FormatAnchore, message.FormatCloudEvents, message.FormatSlim, message.FormatSlack, message.FormatTeams, message.FormatText} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			e, notified := message.Form{Format: format, MaxBody: limit}, 0
			for _, group := range message.Combine(e, all, account) {
				notified += len(group)
				body, err := message.RenderGroup(e, message.NewGroup(group), pending, account)
				if len(group) == 1 {
					body, err = message.Render(e, group[0], pending, account)
				}
				if err != nil || len(body.Content) > limit {
					t.Errorf("%d notifications in %d bytes: %v", len(group), len(body.Content), err)
				}
			}
			if notified != len(all) {
				t.Errorf("%d of %d are notified", notified, len(all))
			}
			// A group that was put together before the endpoint had a limit.
			if format == message.FormatAnchore {
				body, err := message.RenderGroup(e, message.NewGroup(all[4:10]), pending, account)
				if err != nil || len(body.Content) > limit {
					t.Errorf("%d bytes: %v", len(body.Content), err)
				}
				validate(t, "webhook-group.json", body)
			}
		})
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	want := map[notification.Type]string{
		notification.TagUpdate:  "https://tagwatch.example.com/tag?name=registry.example.com%2Ftagwatch%2Fsample%3Atest",
		notification.RepoUpdate: "https://tagwatch.example.com/?q=registry.example.com%2Ftagwatch%2Fsample",
		notification.EventLog:   "https://tagwatch.example.com/notification?id=6c0e4f0c-9d0b-4f44-9a3b-0f0f2d3f6a10",
	}
	for kind, link := range want {
		for _, format := range message.Formats {
			e := message.Form{Format: format}
			if format == message.FormatTemplate {
				e.Template = `{{range .Notifications}}{{.Link}}{{end}}`
			}
			if body := render(t, e, sample(t, kind)); !strings.Contains(string(body.Content), link) {
				t.Errorf("%s of %s has no link: %s", format, kind, body.Content)
			}
			body, err := message.RenderGroup(e, message.NewGroup([]notification.Notification{sample(t, kind), sample(t, kind)}), pending, account)
			if err != nil || strings.Count(string(body.Content), link) < 2 {
				t.Errorf("group of %s in format %s: %s, %v", kind, format, body.Content, err)
			}
		}
	}
}
