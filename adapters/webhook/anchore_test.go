package webhook_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/fault"
)

func TestImportAnchore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, config string
		want         webhook.Imported
	}{
		{"as shipped", `
webhooks:
  webhook_user: null
  webhook_pass: null
  ssl_verify: false
  general: {url: null}
  policy_eval: {}
  event_log: {}
`, webhook.Imported{}},
		{"general", `
webhooks:
  general: {url: "http://receiver:8080/general/<notification_type>/<userId>"}
`, webhook.Imported{Endpoints: []event.Endpoint{{Name: "general", URL: "http://receiver:8080/general/<notification_type>/<userId>"}}}},
		{"one type with its own credentials beside the global ones", `
webhooks:
  webhook_user: global
  webhook_pass: hunter1
  ssl_verify: true
  general: {url: "https://receiver/"}
  policy_eval: {url: "https://receiver/policy_eval", webhook_user: own, webhook_pass: hunter2}
`, webhook.Imported{
			Endpoints: []event.Endpoint{
				{Name: "general", URL: "https://receiver/", User: "global", Password: "env:TAGWATCH_WEBHOOK_GENERAL_PASSWORD"},
				{Name: "policy_eval", URL: "https://receiver/policy_eval", Types: []event.Type{event.PolicyEval}, User: "own", Password: "env:TAGWATCH_WEBHOOK_POLICY_EVAL_PASSWORD"},
			},
			Missing: []webhook.MissingSecret{
				{Ref: "env:TAGWATCH_WEBHOOK_GENERAL_PASSWORD", Endpoint: "general", Purpose: "password of user global"},
				{Ref: "env:TAGWATCH_WEBHOOK_POLICY_EVAL_PASSWORD", Endpoint: "policy_eval", Purpose: "password of user own"},
			},
		}},
		{"global credentials taken away by null, and kept by the others", `
webhooks:
  webhook_user: global
  webhook_pass: hunter1
  ssl_verify: true
  policy_eval: {url: "https://receiver/policy_eval", webhook_user: null, webhook_pass: null, ssl_verify: null}
  tag_update: {url: "https://receiver/tag_update", webhook_user: own}
  vuln_update: {url: "https://receiver/vuln_update"}
`, webhook.Imported{
			Endpoints: []event.Endpoint{
				{Name: "policy_eval", URL: "https://receiver/policy_eval", Types: []event.Type{event.PolicyEval}},
				{Name: "tag_update", URL: "https://receiver/tag_update", Types: []event.Type{event.TagUpdate}, User: "own", Password: "env:TAGWATCH_WEBHOOK_TAG_UPDATE_PASSWORD"},
				{Name: "vuln_update", URL: "https://receiver/vuln_update", Types: []event.Type{event.VulnUpdate}, User: "global", Password: "env:TAGWATCH_WEBHOOK_VULN_UPDATE_PASSWORD"},
			},
			Missing: []webhook.MissingSecret{
				{Ref: "env:TAGWATCH_WEBHOOK_TAG_UPDATE_PASSWORD", Endpoint: "tag_update", Purpose: "password of user own"},
				{Ref: "env:TAGWATCH_WEBHOOK_VULN_UPDATE_PASSWORD", Endpoint: "vuln_update", Purpose: "password of user global"},
			},
			Remarks: []string{"policy_eval: Anchore did not verify the certificate; now it is verified, and a private authority is named by the endpoint's CA file"},
		}},
		{"password from the environment and in the URL", `
webhooks:
  tag_update: {url: "http://receiver/", webhook_user: u, webhook_pass: "${HOOK_PASSWORD}"}
  vuln_update: {url: "http://u:hunter2@receiver/<userId>"}
`, webhook.Imported{
			Endpoints: []event.Endpoint{
				{Name: "tag_update", URL: "http://receiver/", Types: []event.Type{event.TagUpdate}, User: "u", Password: "env:HOOK_PASSWORD"},
				{Name: "vuln_update", URL: "http://receiver/<userId>", Types: []event.Type{event.VulnUpdate}, User: "u", Password: "env:TAGWATCH_WEBHOOK_VULN_UPDATE_PASSWORD"},
			},
			Missing: []webhook.MissingSecret{
				{Ref: "env:HOOK_PASSWORD", Endpoint: "tag_update", Purpose: "password of user u"},
				{Ref: "env:TAGWATCH_WEBHOOK_VULN_UPDATE_PASSWORD", Endpoint: "vuln_update", Purpose: "password of user u"},
			},
		}},
		{"events, and what differs", `
webhooks:
  notification_retry_timeout: 30
  general: {url: "https://receiver/"}
  error_event: {url: "http://receiver/errors"}
services:
  catalog:
    event_log:
      notification: {enabled: true, level: [error]}
`, webhook.Imported{
			Endpoints: []event.Endpoint{{Name: "general", URL: "https://receiver/", Types: event.Types}},
			Remarks: []string{
				"notification_retry_timeout is not taken over: deliveries are tried for 75h0m0s",
				"error_event: left out, because Anchore knows no such type and sends nothing there",
				"general: Anchore did not verify the certificate; now it is verified, and a private authority is named by the endpoint's CA file",
				"event_log: the list of levels is not taken over; every entry is sent",
			},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := webhook.ImportAnchore([]byte(test.config))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(got), "hunter") {
				t.Errorf("a password is taken over: %v", got)
			}
		})
	}
}

func TestImportAnchoreRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, config, says string }{
		{"no YAML", "webhooks: [", "Anchore's configuration"},
		{"no section", "services: {}", "no section webhooks"},
		{"a list", "webhooks: [hunter2]", "another kind"},
		{"a URL that is none", "webhooks: {general: {url: 'receiver:8080/hunter2'}}", "neither http:// nor https://"},
		{"a password of another kind", "webhooks: {webhook_pass: {a: hunter2}, general: {url: 'http://r/'}}", "webhooks.webhook_pass"},
		{"an entry of another kind", "webhooks: {general: {url: 'http://r/', ssl_verify: hunter2}}", "webhooks.general"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := webhook.ImportAnchore([]byte(test.config))
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want kind Invalid that says %q", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
