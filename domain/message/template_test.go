package message_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// nasty is what a careless template would let break out of its place.
const nasty = `"}]<!channel> @everyone <b>&_*` + "`\n\\ \u2028"

func nastyNotification(t *testing.T) notification.Notification {
	t.Helper()
	n, err := notification.New(notification.Heading{ID: "id", Causes: []notification.Cause{notification.CauseFeed}, Created: noon},
		notification.Logged{Message: nasty, Resource: notification.Resource{ID: nasty}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReadyTemplates(t *testing.T) {
	t.Parallel()
	n := sample(t, notification.TagUpdate)
	plain := message.Account{Name: "admin"}
	for format, want := range map[message.Format]string{
		message.FormatSlack: `{"unfurl_links": false, "text": "*tag_update (cause: image)*\n• registry.example.com/tagwatch/sample:test: moved from aaaaaaaaaaaa to cccccccccccc; ` +
			`1 package changed, 1 vulnerability fixed, 1 introduced"}`,
		message.FormatDiscord: `{"allowed_mentions": {"parse": []}, "content": "**tag\\_update (cause: image)**\n- registry.example.com/tagwatch/sample:test: moved from aaaaaaaaaaaa to cccccccccccc; ` +
			`1 package changed, 1 vulnerability fixed, 1 introduced"}`,
		message.FormatText: "tag_update (cause: image)\n- registry.example.com/tagwatch/sample:test: moved from aaaaaaaaaaaa to cccccccccccc; " +
			"1 package changed, 1 vulnerability fixed, 1 introduced",
	} {
		body, err := message.Render(message.Form{Format: format}, n, pending, plain)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(body.Content)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

func TestReadyTemplatesKeepTextsInTheirPlace(t *testing.T) {
	t.Parallel()
	n := nastyNotification(t)
	for format, path := range map[message.Format]string{
		message.FormatSlack:   "text",
		message.FormatDiscord: "content",
		message.FormatTeams:   "attachments.content.body.text",
	} {
		body := render(t, message.Form{Format: format}, n)
		if body.ContentType != "application/json" {
			t.Errorf("%s is sent as %s", format, body.ContentType)
		}
		if _, found := at(map[string]any(decode(t, body.Content)), path); !found {
			t.Errorf("%s: no text at %s in %s", format, path, body.Content)
		}
	}
	slack := string(render(t, message.Form{Format: message.FormatSlack}, n).Content)
	if strings.Contains(slack, "<!channel>") {
		t.Errorf("a message can call everybody in a Slack channel: %s", slack)
	}
}

func TestGroupsFitIntoChatMessages(t *testing.T) {
	t.Parallel()
	var many []notification.Notification
	for i := range 500 {
		n := sample(t, notification.VulnUpdate)
		n.ID = fmt.Sprint(i)
		many = append(many, n)
	}
	for format, limit := range map[message.Format]int{ // characters, or bytes for Teams
		message.FormatDiscord: 2000,
		message.FormatSlack:   4000,
		message.FormatTeams:   28 << 10,
	} {
		body, err := message.RenderGroup(message.Form{Format: format}, message.NewGroup(many), pending, account)
		if err != nil {
			t.Fatal(err)
		}
		if size := utf8.RuneCount(body.Content); size > limit {
			t.Errorf("%s: %d characters, limit %d", format, size, limit)
		}
		for _, part := range []string{"500 notifications: 500 vuln_update", "more: tagwatch notifications"} {
			if text := strings.ReplaceAll(string(body.Content), `\\_`, "_"); !strings.Contains(text, part) {
				t.Errorf("%s does not say %q: %s", format, part, text)
			}
		}
	}
}

func custom(text string) message.Form {
	return message.Form{Format: message.FormatTemplate, Template: text}
}

func TestCustomTemplates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want, contentType string }{
		{"text", `{{.Title}} for {{.Account}}`, "vuln_update (cause: image) for admin", "text/plain; charset=utf-8"},
		{"JSON", `{"summary": {{json .Title}}, "n": {{.Count}}}`, `{"summary": "vuln_update (cause: image)", "n": 1}`, "application/json"},
		{"loop", `{{range .Notifications}}{{.Type}} {{.Subject}} {{.Created}}{{end}}`, "vuln_update registry.example.com/tagwatch/sample:test 2026-03-01T12:00:00Z", "text/plain; charset=utf-8"},
		{"payload", `{{with index .Notifications 0}}{{.Payload.counts.added}} of {{.Payload.tag}}{{end}}`, "1 of registry.example.com/tagwatch/sample:test", "text/plain; charset=utf-8"},
		{"functions", `{{truncate 5 "abcdefgh"}} {{upper "a"}} {{markdown "a_b"}} {{slack "<&>"}} {{esc "\"q\""}}`, `abcd… A a\_b &lt;&amp;&gt; \"q\"`, "text/plain; charset=utf-8"},
		{"nested template", `{{define "line"}}[{{.}}]{{end}}{{template "line" .Count}}`, "[1]", "text/plain; charset=utf-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := render(t, custom(test.text), sample(t, notification.VulnUpdate))
			want := message.Body{Content: []byte(test.want), ContentType: test.contentType}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTemplatesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		kind       error
		says       string
	}{
		{"syntax", `{{if}}`, errkind.Invalid, "if"},
		{"unknown function", `{{env "HOME"}}`, errkind.Invalid, "env"},
		{"unknown field", `{{.Secret}}`, errkind.Invalid, "Secret"},
		{"broken JSON", `{"text": {{.Title}}}`, errkind.Invalid, "{{json .Value}}"},
		{"silent endless loop", `{{range $i := 9000000000000}}{{end}}`, errkind.Limit, "loops"},
		{"loops within loops", `{{range 1000}}{{range 1000}}{{if .}}{{end}}{{end}}{{end}}`, errkind.Limit, "loops"},
		{"endless loop behind a condition", `{{if .Count}}{{with .Count}}{{range 9000000000000}}{{end}}{{end}}{{end}}`, errkind.Limit, "loops"},
		{"endless loop in an else", `{{if not .Count}}{{else}}{{range 9000000000000}}{{end}}{{end}}`, errkind.Limit, "loops"},
		{"endless recursion", `{{define "a"}}{{template "b"}}{{template "b"}}{{end}}{{define "b"}}{{template "a"}}{{template "a"}}{{end}}{{template "a"}}`, errkind.Limit, "loops"},
		{"endless output", `{{range 99999}}0123456789{{end}}`, errkind.Limit, "bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := message.Render(custom(test.text), sample(t, notification.VulnUpdate), pending, account)
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want kind %v that says %q", err, test.kind, test.says)
			}
		})
	}
}

func TestUnknownFormat(t *testing.T) {
	t.Parallel()
	for _, format := range []message.Format{"xml", "../templates/slack", "template/../slack"} {
		if _, err := message.Render(message.Form{Format: format}, sample(t, notification.TagUpdate), pending, account); !errors.Is(err, errkind.Invalid) {
			t.Errorf("format %q: got %v, want kind Invalid", format, err)
		}
	}
}

func TestGroupID(t *testing.T) {
	t.Parallel()
	all := samples(t)
	for i := range all {
		all[i].ID = fmt.Sprint(i)
	}
	if message.NewGroup(all).ID != message.NewGroup(slices.Clone(all)).ID {
		t.Error("equal groups have different ids")
	}
	if message.NewGroup(all).ID == message.NewGroup(all[1:]).ID {
		t.Error("different groups have one id")
	}
}

func TestGroupHoldsEveryNotification(t *testing.T) {
	t.Parallel()
	all := samples(t)
	for _, format := range []message.Format{message.FormatAnchore, message.FormatSlim} {
		body, err := message.RenderGroup(message.Form{Format: format}, message.NewGroup(all), pending, account)
		if err != nil {
			t.Fatal(err)
		}
		path := map[message.Format]string{message.FormatAnchore: "data.notification_payload.notifications", message.FormatSlim: "notifications"}[format]
		list, _ := at(map[string]any(decode(t, body.Content)), path)
		if got, _ := list.([]any); len(got) != len(all) {
			t.Errorf("%s: %d notifications, want %d", format, len(got), len(all))
		}
	}
	var batch []json.RawMessage
	body, err := message.RenderGroup(message.Form{Format: message.FormatCloudEvents}, message.NewGroup(all), pending, account)
	if err != nil || json.Unmarshal(body.Content, &batch) != nil || len(batch) != len(all) {
		t.Errorf("cloudevents: %d events, want %d; error %v", len(batch), len(all), err)
	}
}
