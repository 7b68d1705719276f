package endpoint_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

func TestEndpointsThatAreFine(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]endpoint.Endpoint{
		"smallest":            {Name: "a", URL: "http://receiver"},
		"Anchore's address":   {Name: "general", URL: "http://receiver:8080/general/<notification_type>/<userId>"},
		"placeholder in host": {Name: "a", URL: "https://<userId>.example.com/"},
		"address":             {Name: "a", URL: "https://10.1.2.3:8443/hook"},
		"IPv6 address":        {Name: "a", URL: "https://[fd12::1]/hook"},
		"secret address":      {Name: "slack", URL: "env:SLACK_URL", Format: message.FormatSlack},
		"everything": {Name: "all.of-it_1", URL: "https://receiver.example.com/hook?x=1", Types: notification.Types, Format: message.FormatCloudEvents,
			User: "u", Password: "file:/run/secrets/p", Signing: []endpoint.SecretRef{"env:NEW", "env:OLD"}, Headers: map[string]string{"X-Team": "a"},
			HeaderRefs: map[string]endpoint.SecretRef{"X-Key": "env:KEY"}, Timeout: time.Minute, CAFile: "/ca", CertFile: "/cert", KeyFile: "/key"},
		"token":    {Name: "a", URL: "https://r", Token: "env:TOKEN"},
		"template": {Name: "chat", URL: "https://chat.example.com/hook", Format: message.FormatTemplate, Template: `{{range .Notifications}}{{.Summary}}{{end}}`},
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
		change func(*endpoint.Endpoint)
		says   string
	}{
		{"no name", func(e *endpoint.Endpoint) { e.Name = "" }, "the name must have"},
		{"slash in the name", func(e *endpoint.Endpoint) { e.Name = "a/b" }, "the name must have"},
		{"long name", func(e *endpoint.Endpoint) { e.Name = strings.Repeat("a", 64) }, "the name must have"},
		{"no URL", func(e *endpoint.Endpoint) { e.URL = "" }, "must begin with http:// or https://"},
		{"other scheme", func(e *endpoint.Endpoint) { e.URL = "ftp://receiver/" }, "must begin with http:// or https://"},
		{"no host", func(e *endpoint.Endpoint) { e.URL = "https:///hook" }, "names no host"},
		{"malformed URL", func(e *endpoint.Endpoint) { e.URL = "https://receiver/%zz" }, "malformed"},
		{"password in the URL", func(e *endpoint.Endpoint) { e.URL = "https://u:hunter2@receiver/" }, "user or password"},
		{"address of a chat service", func(e *endpoint.Endpoint) { e.URL = "https://hooks.slack.com/services/T0/B0/hunter2" }, "env:NAME"},
		{"address of another", func(e *endpoint.Endpoint) { e.URL = "https://ptb.discord.com/api/webhooks/1/hunter2" }, "env:NAME"},
		{"address of a workflow", func(e *endpoint.Endpoint) { e.URL = "https://prod-1.westus.logic.azure.com/workflows/hunter2" }, "env:NAME"},
		{"token in the query", func(e *endpoint.Endpoint) { e.URL = "https://receiver/?Token=hunter2" }, "its parameter Token"},
		{"secret in a plain header", func(e *endpoint.Endpoint) { e.Headers = map[string]string{"X-Api-Key": "hunter2"} }, "by reference"},
		{"decimal host", func(e *endpoint.Endpoint) { e.URL = "http://2130706433/" }, "unusual form"},
		{"octal host", func(e *endpoint.Endpoint) { e.URL = "http://0177.0.0.1/" }, "unusual form"},
		{"hexadecimal host", func(e *endpoint.Endpoint) { e.URL = "http://0x7f.0x1/" }, "unusual form"},
		{"short address", func(e *endpoint.Endpoint) { e.URL = "http://127.1./" }, "unusual form"},
		{"malformed URL reference", func(e *endpoint.Endpoint) { e.URL = "env:NOT A NAME" }, "env:NAME"},
		{"unknown type", func(e *endpoint.Endpoint) { e.Types = []notification.Type{"event_update"} }, `unknown notification type "event_update"`},
		{"unknown format", func(e *endpoint.Endpoint) { e.Format = "xml" }, `unknown format "xml"; the formats are anchore, cloudevents`},
		{"format without template", func(e *endpoint.Endpoint) { e.Format = message.FormatTemplate }, "require each other"},
		{"template without format", func(e *endpoint.Endpoint) { e.Template = "x" }, "require each other"},
		{"unknown placeholder", func(e *endpoint.Endpoint) { e.URL = "https://r/<userId>/<bogus>" }, "known ones are <userId> and <notification_type>"},
		{"unknown placeholder in a query", func(e *endpoint.Endpoint) { e.URL = "https://r/?type=<notification-type>" }, "unknown placeholder"},
		{"broken template", func(e *endpoint.Endpoint) { e.Format, e.Template = message.FormatTemplate, "{{.Nothing}}" }, "Nothing"},
		{"negative timeout", func(e *endpoint.Endpoint) { e.Timeout = -1 }, "the timeout"},
		{"endless timeout", func(e *endpoint.Endpoint) { e.Timeout = time.Hour }, "the timeout"},
		{"token and password", func(e *endpoint.Endpoint) { e.Token, e.Password = "env:T", "env:P" }, "exclude each other"},
		{"secret in place of a reference", func(e *endpoint.Endpoint) { e.Password = "hunter2" }, "by reference"},
		{"relative path of a secret", func(e *endpoint.Endpoint) { e.Token = "file:secrets/hunter2" }, "by reference"},
		{"signing secret in the open", func(e *endpoint.Endpoint) { e.Signing = []endpoint.SecretRef{"whsec_hunter2"} }, "by reference"},
		{"too many signing secrets", func(e *endpoint.Endpoint) {
			e.Signing = []endpoint.SecretRef{"env:A", "env:B", "env:C", "env:D", "env:E", "env:F"}
		}, "6 signing secrets"},
		{"header name", func(e *endpoint.Endpoint) { e.Headers = map[string]string{"X Y": "1"} }, "invalid header name"},
		{"header injection", func(e *endpoint.Endpoint) { e.Headers = map[string]string{"X-A": "1\r\nX-B: 2"} }, "line break"},
		{"own header", func(e *endpoint.Endpoint) { e.Headers = map[string]string{"Webhook-Id": "1"} }, "set by Tagwatch"},
		{"own secret header", func(e *endpoint.Endpoint) { e.HeaderRefs = map[string]endpoint.SecretRef{"host": "env:H"} }, "set by Tagwatch"},
		{"two authorizations", func(e *endpoint.Endpoint) { e.Token, e.Headers = "env:T", map[string]string{"Authorization": "x"} }, "exclude each other"},
		{"certificate without key", func(e *endpoint.Endpoint) { e.CertFile = "/cert" }, "both a certificate file and a key file"},
		{"relative path", func(e *endpoint.Endpoint) { e.CAFile = "ca.pem" }, "not absolute"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := endpoint.Endpoint{Name: "e", URL: "https://receiver.example.com/"}
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
	err := endpoint.Endpoint{Format: "xml", Types: []notification.Type{"x"}}.Validate()
	for _, says := range []string{"the name must have", "must begin with http:// or https://", `"xml"`, `unknown notification type "x"`} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}
