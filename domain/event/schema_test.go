package event_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

const schemaFolder = "../../docs/schemas"

// compile reads a published schema, closed: it refuses keys that the schema
// does not describe, so that no body has a key that nobody documented.
func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	paths, err := filepath.Glob(filepath.Join(schemaFolder, "webhook-*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no schemas in %s: %v", schemaFolder, err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		closeSchema(schema)
		if err := compiler.AddResource("schema:///"+filepath.Base(path), schema); err != nil {
			t.Fatal(err)
		}
	}
	compiled, err := compiler.Compile("schema:///" + name)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// closeSchema forbids further keys in every object that lists its keys. Parts
// that others include say no type and stay open.
func closeSchema(node any) {
	switch n := node.(type) {
	case []any:
		for _, each := range n {
			closeSchema(each)
		}
	case map[string]any:
		_, lists := n["properties"]
		_, includes := n["$ref"]
		_, open := n["additionalProperties"]
		if n["type"] == "object" && (lists || includes) && !open {
			n["unevaluatedProperties"] = false
		}
		for _, each := range n {
			closeSchema(each)
		}
	}
}

func validate(t *testing.T, schema *jsonschema.Schema, content []byte) {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%s: %v", content, err)
	}
	if err := schema.Validate(instance); err != nil {
		t.Errorf("%#v\n%s", err, content)
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
				validate(t, compile(t, name(kind)), render(t, event.Endpoint{Format: format}, sample(t, kind)).Content)
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
			validate(t, compile(t, name), body.Content)
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
			validate(t, compile(t, "webhook-"+string(n.Type)+".json"), render(t, event.Endpoint{}, n).Content)
		})
	}
}

func TestSchemasRefuseWhatTheyShould(t *testing.T) {
	t.Parallel()
	schema := compile(t, "webhook-tag_update.json")
	for name, spoil := range map[string]func(body, payload map[string]any){
		"a key is missing":    func(_, payload map[string]any) { delete(payload, "last_eval") },
		"a key is unknown":    func(_, payload map[string]any) { payload["unheard"] = true },
		"a digest is none":    func(_, payload map[string]any) { payload["imageDigest"] = "latest" },
		"tries is no integer": func(body, _ map[string]any) { body["tries"] = "2026-03-01" },
	} {
		body := map[string]any(decode(t, render(t, event.Endpoint{}, sample(t, event.TagUpdate)).Content))
		spoil(body, body["data"].(map[string]any)["notification_payload"].(map[string]any))
		if err := schema.Validate(body); err == nil {
			t.Errorf("the schema accepts a body in which %s", name)
		}
	}
}
