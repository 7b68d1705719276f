package event_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/lab/contract"
)

const schemaFolder = "../../docs/schemas"

var openSchemas = sync.OnceValues(func() (*contract.Schemas, error) { return contract.Open(schemaFolder) })

func schemas(t *testing.T) *contract.Schemas {
	t.Helper()
	published, err := openSchemas()
	if err != nil {
		t.Fatal(err)
	}
	return published
}

func validate(t *testing.T, name string, body event.Body) {
	t.Helper()
	if err := schemas(t).Validate(name, body.Content); err != nil {
		t.Errorf("%v\n%s", err, body.Content)
	}
	if chosen, err := contract.Name(body.ContentType, body.Content); chosen != name {
		t.Errorf("a receiver takes it for %s: %v", chosen, err)
	}
}

func TestBodiesKeepToThePublishedSchemas(t *testing.T) {
	t.Parallel()
	formats := map[event.Format]func(event.Type) string{
		event.FormatAnchore:     func(kind event.Type) string { return "webhook-" + string(kind) + ".json" },
		event.FormatCloudEvents: func(event.Type) string { return "webhook-cloudevents.json" },
		event.FormatSlim:        func(event.Type) string { return "webhook-slim.json" },
	}
	for format, name := range formats {
		for _, kind := range event.Types {
			t.Run(string(format)+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				validate(t, name(kind), render(t, event.Endpoint{Format: format}, sample(t, kind)))
			})
		}
	}
}

func TestGroupsKeepToThePublishedSchemas(t *testing.T) {
	t.Parallel()
	for format, name := range map[event.Format]string{
		event.FormatAnchore:     "webhook-group.json",
		event.FormatCloudEvents: "webhook-cloudevents-group.json",
		event.FormatSlim:        "webhook-slim-group.json",
	} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			body, err := event.RenderGroup(event.Endpoint{Format: format}, event.NewGroup(samples(t)), pending, account)
			if err != nil {
				t.Fatal(err)
			}
			validate(t, name, body)
		})
	}
}

// Bodies with as little in them as there can be.
func TestSparseBodiesKeepToThePublishedSchemas(t *testing.T) {
	t.Parallel()
	after := event.Evidence{Image: evidence(second).Image}
	after.Image.Index = ""
	before := event.Evidence{Image: evidence(first).Image}
	bare := vuln.Finding{ID: "CVE-1"}
	document := event.Evaluation{Status: "pass", FinalAction: "go", Document: json.RawMessage(
		`{"image_digest": "` + string(first) + `", "status": "pass", "final_action": "go", "final_action_reason": "whitelisted", "result": {}, "bundle": {}}`)}
	for _, content := range []event.Content{
		event.ImageAnalyzed{Target: nginx, After: after},
		event.ImageAnalyzed{Target: nginx, Before: before, After: after, Difference: &event.ImageDifference{}},
		event.TagMoved{Target: nginx, Before: before, After: after},
		event.TagMoved{Target: nginx, Before: before, After: after, Difference: &event.ImageDifference{}},
		event.VulnerabilitiesChanged{Target: nginx, Before: before, After: after, Added: []vuln.Finding{bare}, Updated: []vuln.Update{{Previous: bare, Current: bare}}},
		event.PolicyEvaluated{Target: nginx, Before: before, After: after, Last: document, Current: document},
		event.TagsFound{Repository: nginx.Reference.Repository},
		event.Logged{Event: "system.feeds.sync.failed", Level: event.LevelError, At: noon, Details: map[string]any{"attempt": 1}},
	} {
		t.Run(string(content.Type()), func(t *testing.T) {
			t.Parallel()
			causes := []event.Cause{event.CauseFeed, event.CauseScanner}
			if content.Type() == event.EventLog {
				causes = nil
			}
			n, err := event.New(event.Heading{ID: "id", Account: "admin", Causes: causes, Created: noon}, content)
			if err != nil {
				t.Fatal(err)
			}
			validate(t, "webhook-"+string(n.Type)+".json", render(t, event.Endpoint{}, n))
		})
	}
}

func TestSchemasRefuseWhatTheyShould(t *testing.T) {
	t.Parallel()
	published := schemas(t)
	for name, spoil := range map[string]func(body, payload map[string]any){
		"a key is missing":    func(_, payload map[string]any) { delete(payload, "last_eval") },
		"a key is unknown":    func(_, payload map[string]any) { payload["unheard"] = true },
		"a digest is none":    func(_, payload map[string]any) { payload["imageDigest"] = "latest" },
		"tries is no integer": func(body, _ map[string]any) { body["tries"] = "2026-03-01" },
	} {
		body := map[string]any(decode(t, render(t, event.Endpoint{}, sample(t, event.TagUpdate)).Content))
		spoil(body, body["data"].(map[string]any)["notification_payload"].(map[string]any))
		content, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if err := published.Validate("webhook-tag_update.json", content); err == nil {
			t.Errorf("the schema accepts a body in which %s", name)
		}
	}
}
