package webhook_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// environment is what an import may look up.
type environment map[string]string

func (e environment) lookup(name string) (string, bool) {
	value, found := e[name]
	return value, found
}

var surroundings = environment{"ANCHORE_URL": "http://receiver:8080/anchore", "ANCHORE_NULL": "null", "ANCHORE_EVENTS": "True",
	"HOOK_USER": "ops", "HOOK_PASS": "hunter2", "HOOK_HOST": "receiver", "SLACK": "https://hooks.slack.com/services/hunter2"}

// shipped is in the form of the file in the image of Anchore Engine: most values come
// from the environment, without quotes, and most of them do not matter here.
func shipped(url, events string) string {
	return `
service_dir: ${ANCHORE_SERVICE_DIR}
metrics: {enabled: ${ANCHORE_ENABLE_METRICS}, auth_disabled: ${ANCHORE_DISABLE_METRICS_AUTH}}
webhooks:
  webhook_user: null
  webhook_pass: null
  ssl_verify: false
  general:
    url: ` + url + `
  policy_eval: {}
  event_log: {}
credentials:
  database: {db_connect: 'postgresql://${ANCHORE_DB_USER}:${ANCHORE_DB_PASSWORD}@${ANCHORE_DB_HOST}/x'}
services:
  apiext: {enabled: true, port: ${ANCHORE_SERVICE_PORT}}
  catalog:
    port: ${ANCHORE_SERVICE_PORT}
    external_tls: ${ANCHORE_EXTERNAL_TLS}
    cycle_timers: {notifications: ${ANCHORE_CATALOG_NOTIFICATION_INTERVAL_SEC}}
    event_log:
      notification:
        enabled: ` + events + `
        level:
        - error
`
}

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
`, webhook.Imported{Endpoints: []endpoint.Endpoint{{Name: "general", URL: "http://receiver:8080/general/<notification_type>/<userId>"}}}},
		{"one type with its own credentials beside the global ones", `
webhooks:
  webhook_user: global
  webhook_pass: hunter1
  ssl_verify: true
  general: {url: "https://receiver/"}
  policy_eval: {url: "https://receiver/policy_eval", webhook_user: own, webhook_pass: hunter2}
`, webhook.Imported{
			Endpoints: []endpoint.Endpoint{
				{Name: "general", URL: "https://receiver/", User: "global", Password: "env:TAGWATCH_WEBHOOK_GENERAL_PASSWORD"},
				{Name: "policy_eval", URL: "https://receiver/policy_eval", Types: []notification.Type{notification.PolicyEval}, User: "own", Password: "env:TAGWATCH_WEBHOOK_POLICY_EVAL_PASSWORD"},
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
			Endpoints: []endpoint.Endpoint{
				{Name: "policy_eval", URL: "https://receiver/policy_eval", Types: []notification.Type{notification.PolicyEval}},
				{Name: "tag_update", URL: "https://receiver/tag_update", Types: []notification.Type{notification.TagUpdate}, User: "own", Password: "env:TAGWATCH_WEBHOOK_TAG_UPDATE_PASSWORD"},
				{Name: "vuln_update", URL: "https://receiver/vuln_update", Types: []notification.Type{notification.VulnUpdate}, User: "global", Password: "env:TAGWATCH_WEBHOOK_VULN_UPDATE_PASSWORD"},
			},
			Missing: []webhook.MissingSecret{
				{Ref: "env:TAGWATCH_WEBHOOK_TAG_UPDATE_PASSWORD", Endpoint: "tag_update", Purpose: "password of user own"},
				{Ref: "env:TAGWATCH_WEBHOOK_VULN_UPDATE_PASSWORD", Endpoint: "vuln_update", Purpose: "password of user global"},
			},
			Remarks: []string{"policy_eval: Anchore did not verify the certificate; now it is verified; name a private authority by the endpoint's CA file"},
		}},
		{"password from the environment and in the URL", `
webhooks:
  tag_update: {url: "http://receiver/", webhook_user: u, webhook_pass: "${HOOK_PASSWORD}"}
  vuln_update: {url: "http://u:hunter2@receiver/<userId>"}
`, webhook.Imported{
			Endpoints: []endpoint.Endpoint{
				{Name: "tag_update", URL: "http://receiver/", Types: []notification.Type{notification.TagUpdate}, User: "u", Password: "env:HOOK_PASSWORD"},
				{Name: "vuln_update", URL: "http://receiver/<userId>", Types: []notification.Type{notification.VulnUpdate}, User: "u", Password: "env:TAGWATCH_WEBHOOK_VULN_UPDATE_PASSWORD"},
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
			Endpoints: []endpoint.Endpoint{{Name: "general", URL: "https://receiver/", Types: notification.Types}},
			Remarks: []string{
				"notification_retry_timeout is not imported: deliveries are retried for 75h0m0s",
				"error_event: skipped: Anchore has no such type and never sends to it",
				"event_log: the list of levels is not imported; every entry is sent",
				"general: Anchore did not verify the certificate; now it is verified; name a private authority by the endpoint's CA file",
			},
		}},
		{"as shipped, with what the container's environment has", shipped("${ANCHORE_URL}", "${ANCHORE_EVENTS}"), webhook.Imported{
			Endpoints: []endpoint.Endpoint{{Name: "general", URL: "http://receiver:8080/anchore", Types: notification.Types}},
			Remarks:   []string{"event_log: the list of levels is not imported; every entry is sent"},
		}},
		{"as shipped, without a receiver", shipped("${ANCHORE_NULL}", "${ANCHORE_EVENTS}"), webhook.Imported{}},
		{"as shipped, in an environment that does not know of events", shipped("${ANCHORE_URL}", "${ANCHORE_NEVER_SET}"), webhook.Imported{
			Endpoints: []endpoint.Endpoint{{Name: "general", URL: "http://receiver:8080/anchore"}},
			Remarks: []string{"services.catalog.event_log.notification.enabled uses the variable ANCHORE_NEVER_SET, which is not set: the event log is not sent, " +
				"which is Anchore Engine's default; to send it, set ANCHORE_NEVER_SET=true and import with --replace"},
		}},
		{"values from the environment wherever YAML takes them", `
defaults: &defaults {webhook_user: ${HOOK_USER}, ssl_verify: ${ANCHORE_EVENTS}}
webhooks:
  tag_update: {<<: *defaults, url: https://${HOOK_HOST}:8443/hook}
  vuln_update:
    <<: *defaults
    url: ${SLACK}
  policy_eval: {url: 'http://${HOOK_USER}:${HOOK_PASS}@${HOOK_HOST}/'}
`, webhook.Imported{
			Endpoints: []endpoint.Endpoint{
				{Name: "policy_eval", URL: "http://receiver/", Types: []notification.Type{notification.PolicyEval}, User: "ops", Password: "env:TAGWATCH_WEBHOOK_POLICY_EVAL_PASSWORD"},
				{Name: "tag_update", URL: "https://receiver:8443/hook", Types: []notification.Type{notification.TagUpdate}, User: "ops"},
				{Name: "vuln_update", URL: "env:TAGWATCH_WEBHOOK_VULN_UPDATE_URL", Types: []notification.Type{notification.VulnUpdate}, User: "ops"},
			},
			Missing: []webhook.MissingSecret{
				{Ref: "env:TAGWATCH_WEBHOOK_POLICY_EVAL_PASSWORD", Endpoint: "policy_eval", Purpose: "password of user ops"},
				{Ref: "env:TAGWATCH_WEBHOOK_VULN_UPDATE_URL", Endpoint: "vuln_update", Purpose: "URL, which holds a secret,"},
			},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := webhook.ImportAnchore([]byte(test.config), surroundings.lookup)
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
		{"a list", "webhooks: [hunter2]", "webhooks of Anchore's configuration: expected a mapping"},
		{"a URL that is none", "webhooks: {general: {url: 'receiver:8080/hunter2'}}", "must begin with http:// or https://"},
		{"a password of another kind", "webhooks: {webhook_pass: {a: hunter2}, general: {url: 'http://r/'}}", "webhooks.webhook_pass"},
		{"an entry of another kind", "webhooks: {general: {url: 'http://r/', ssl_verify: hunter2}}", "webhooks.general.ssl_verify of Anchore's configuration: expected true or false"},
		{"an entry that is a text", "webhooks: {general: 'http://hunter2/'}", "webhooks.general of Anchore's configuration: expected a mapping"},
		{"a URL of another kind", "webhooks: {general: {url: [hunter2]}}", "webhooks.general.url"},
		{"a URL that is not known here", shipped("${ANCHORE_NEVER_SET}", "false"), "webhooks.general.url in Anchore's configuration uses the variable ANCHORE_NEVER_SET"},
		{"a part of a URL that is not known here", shipped("'http://${NEVER_SET}/hunter2'", "false"), "webhooks.general.url in Anchore's configuration uses the variable NEVER_SET"},
		{"a user that is not known here", "webhooks: {webhook_user: ${NEVER_SET}, general: {url: 'http://r/'}}", "webhooks.webhook_user in Anchore's configuration uses the variable NEVER_SET"},
		{"a switch that is none", shipped("'http://r/'", "hunter2"), "services.catalog.event_log.notification.enabled of Anchore's configuration: expected true or false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := webhook.ImportAnchore([]byte(test.config), surroundings.lookup)
			if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want kind Invalid that says %q", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
