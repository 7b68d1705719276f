package message_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
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

func validate(t *testing.T, name string, body message.Body) {
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
	formats := map[message.Format]func(notification.Type) string{
		message.FormatAnchore:     func(kind notification.Type) string { return "webhook-" + string(kind) + ".json" },
		message.FormatCloudEvents: func(notification.Type) string { return "webhook-cloudevents.json" },
		message.FormatSlim:        func(notification.Type) string { return "webhook-slim.json" },
	}
	for format, name := range formats {
		for _, kind := range notification.Types {
			t.Run(string(format)+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				validate(t, name(kind), render(t, message.Form{Format: format}, sample(t, kind)))
			})
		}
	}
}

func TestGroupsKeepToThePublishedSchemas(t *testing.T) {
	t.Parallel()
	for format, name := range map[message.Format]string{
		message.FormatAnchore:     "webhook-group.json",
		message.FormatCloudEvents: "webhook-cloudevents-group.json",
		message.FormatSlim:        "webhook-slim-group.json",
	} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			body, err := message.RenderGroup(message.Form{Format: format}, message.NewGroup(samples(t)), pending, account)
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
	after := notification.Evidence{Image: evidence(second).Image}
	after.Image.Index = ""
	before := notification.Evidence{Image: evidence(first).Image}
	bare := vuln.Finding{ID: "CVE-1"}
	document := notification.Evaluation{Status: "pass", FinalAction: "go", Document: json.RawMessage(
		`{"image_digest": "` + string(first) + `", "status": "pass", "final_action": "go", "final_action_reason": "whitelisted", "result": {}, "bundle": {}}`)}
	for _, content := range []notification.Content{
		notification.ImageAnalyzed{Target: nginx, After: after},
		notification.ImageAnalyzed{Target: nginx, Before: before, After: after, Difference: &notification.ImageDifference{}},
		notification.TagMoved{Target: nginx, Before: before, After: after},
		notification.TagMoved{Target: nginx, Before: before, After: after, Difference: &notification.ImageDifference{}},
		notification.VulnerabilitiesChanged{Target: nginx, Before: before, After: after, Added: []vuln.Finding{bare}, Updated: []vuln.Update{{Previous: bare, Current: bare}}},
		notification.PolicyEvaluated{Target: nginx, Before: before, After: after, Last: document, Current: document},
		notification.TagsFound{Repository: nginx.Reference.Repository},
		notification.Logged{Event: "system.feeds.sync.failed", Level: notification.LevelError, At: noon, Details: map[string]any{"attempt": 1}},
	} {
		t.Run(string(content.Type()), func(t *testing.T) {
			t.Parallel()
			causes := []notification.Cause{notification.CauseFeed, notification.CauseScanner}
			if content.Type() == notification.EventLog {
				causes = nil
			}
			n, err := notification.New(notification.Heading{ID: "id", Account: "admin", Causes: causes, Created: noon}, content)
			if err != nil {
				t.Fatal(err)
			}
			validate(t, "webhook-"+string(n.Type)+".json", render(t, message.Form{}, n))
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
		body := map[string]any(decode(t, render(t, message.Form{}, sample(t, notification.TagUpdate)).Content))
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
