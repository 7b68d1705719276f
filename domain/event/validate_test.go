package event_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/event"
)

func TestEndpointsThatAreFine(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]event.Endpoint{
		"smallest":            {Name: "a", URL: "http://receiver"},
		"Anchore's address":   {Name: "general", URL: "http://receiver:8080/general/<notification_type>/<userId>"},
		"placeholder in host": {Name: "a", URL: "https://<userId>.example.com/"},
		"address":             {Name: "a", URL: "https://10.1.2.3:8443/hook"},
		"IPv6 address":        {Name: "a", URL: "https://[fd12::1]/hook"},
		"secret address":      {Name: "slack", URL: "env:SLACK_URL", Format: event.FormatSlack},
		"everything": {Name: "all.of-it_1", URL: "https://receiver.example.com/hook?x=1", Types: event.Types, Format: event.FormatCloudEvents,
			User: "u", Password: "file:/run/secrets/p", Signing: []event.SecretRef{"env:NEW", "env:OLD"}, Headers: map[string]string{"X-Team": "a"},
			HeaderRefs: map[string]event.SecretRef{"X-Key": "env:KEY"}, Timeout: time.Minute, CAFile: "/ca", CertFile: "/cert", KeyFile: "/key"},
		"token":    {Name: "a", URL: "https://r", Token: "env:TOKEN"},
		"template": custom(`{{range .Notifications}}{{.Summary}}{{end}}`),
	} {
		if err := e.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEndpointsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*event.Endpoint)
		says   string
	}{
		{"no name", func(e *event.Endpoint) { e.Name = "" }, "the name takes"},
		{"slash in the name", func(e *event.Endpoint) { e.Name = "a/b" }, "the name takes"},
		{"long name", func(e *event.Endpoint) { e.Name = strings.Repeat("a", 64) }, "the name takes"},
		{"no URL", func(e *event.Endpoint) { e.URL = "" }, "neither http:// nor https://"},
		{"other scheme", func(e *event.Endpoint) { e.URL = "ftp://receiver/" }, "neither http:// nor https://"},
		{"no host", func(e *event.Endpoint) { e.URL = "https:///hook" }, "names no host"},
		{"malformed URL", func(e *event.Endpoint) { e.URL = "https://receiver/%zz" }, "malformed"},
		{"password in the URL", func(e *event.Endpoint) { e.URL = "https://u:hunter2@receiver/" }, "user or password"},
		{"address of a chat service", func(e *event.Endpoint) { e.URL = "https://hooks.slack.com/services/T0/B0/hunter2" }, "env:NAME"},
		{"address of another", func(e *event.Endpoint) { e.URL = "https://ptb.discord.com/api/webhooks/1/hunter2" }, "env:NAME"},
		{"address of a workflow", func(e *event.Endpoint) { e.URL = "https://prod-1.westus.logic.azure.com/workflows/hunter2" }, "env:NAME"},
		{"token in the query", func(e *event.Endpoint) { e.URL = "https://receiver/?Token=hunter2" }, "its parameter Token"},
		{"secret in a plain header", func(e *event.Endpoint) { e.Headers = map[string]string{"X-Api-Key": "hunter2"} }, "by reference"},
		{"decimal host", func(e *event.Endpoint) { e.URL = "http://2130706433/" }, "unusual form"},
		{"octal host", func(e *event.Endpoint) { e.URL = "http://0177.0.0.1/" }, "unusual form"},
		{"hexadecimal host", func(e *event.Endpoint) { e.URL = "http://0x7f.0x1/" }, "unusual form"},
		{"short address", func(e *event.Endpoint) { e.URL = "http://127.1./" }, "unusual form"},
		{"malformed URL reference", func(e *event.Endpoint) { e.URL = "env:NOT A NAME" }, "env:NAME"},
		{"unknown type", func(e *event.Endpoint) { e.Types = []event.Type{"event_update"} }, `"event_update" is unknown`},
		{"unknown format", func(e *event.Endpoint) { e.Format = "xml" }, `"xml" is unknown; the formats are anchore, cloudevents`},
		{"format without template", func(e *event.Endpoint) { e.Format = event.FormatTemplate }, "go together"},
		{"template without format", func(e *event.Endpoint) { e.Template = "x" }, "go together"},
		{"broken template", func(e *event.Endpoint) { e.Format, e.Template = event.FormatTemplate, "{{.Nothing}}" }, "Nothing"},
		{"negative timeout", func(e *event.Endpoint) { e.Timeout = -1 }, "the timeout"},
		{"endless timeout", func(e *event.Endpoint) { e.Timeout = time.Hour }, "the timeout"},
		{"token and password", func(e *event.Endpoint) { e.Token, e.Password = "env:T", "env:P" }, "exclude each other"},
		{"secret in place of a reference", func(e *event.Endpoint) { e.Password = "hunter2" }, "by reference"},
		{"relative path of a secret", func(e *event.Endpoint) { e.Token = "file:secrets/hunter2" }, "by reference"},
		{"signing secret in the open", func(e *event.Endpoint) { e.Signing = []event.SecretRef{"whsec_hunter2"} }, "by reference"},
		{"too many signing secrets", func(e *event.Endpoint) {
			e.Signing = []event.SecretRef{"env:A", "env:B", "env:C", "env:D", "env:E", "env:F"}
		}, "6 signing secrets"},
		{"header name", func(e *event.Endpoint) { e.Headers = map[string]string{"X Y": "1"} }, "no name of a header"},
		{"header injection", func(e *event.Endpoint) { e.Headers = map[string]string{"X-A": "1\r\nX-B: 2"} }, "line break"},
		{"own header", func(e *event.Endpoint) { e.Headers = map[string]string{"Webhook-Id": "1"} }, "set by Tagwatch"},
		{"own secret header", func(e *event.Endpoint) { e.HeaderRefs = map[string]event.SecretRef{"host": "env:H"} }, "set by Tagwatch"},
		{"two authorizations", func(e *event.Endpoint) { e.Token, e.Headers = "env:T", map[string]string{"Authorization": "x"} }, "exclude each other"},
		{"certificate without key", func(e *event.Endpoint) { e.CertFile = "/cert" }, "both its file and that of its key"},
		{"relative path", func(e *event.Endpoint) { e.CAFile = "ca.pem" }, "not absolute"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := event.Endpoint{Name: "e", URL: "https://receiver.example.com/"}
			test.change(&e)
			err := e.Validate()
			if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want kind Invalid that says %q", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestValidateNotifiesEverythingAtOnce(t *testing.T) {
	t.Parallel()
	err := event.Endpoint{Format: "xml", Types: []event.Type{"x"}}.Validate()
	for _, says := range []string{"the name takes", "neither http:// nor https://", `"xml"`, `"x" is unknown`} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}
