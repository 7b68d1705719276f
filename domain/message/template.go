package message

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/plain"
)

// The formats that are rendered by a template: built-in ones for chat services and people,
// and the endpoint's own.
const (
	FormatSlack    Format = "slack"
	FormatTeams    Format = "teams"
	FormatDiscord  Format = "discord"
	FormatText     Format = "text"
	FormatTemplate Format = "template"
)

// Formats are all formats.
var Formats = []Format{FormatAnchore, FormatCloudEvents, FormatSlim, FormatSlack, FormatTeams, FormatDiscord, FormatText, FormatTemplate}

//go:embed templates/*.tmpl
var readyTemplates embed.FS

// Limits of one rendering. Operators write templates; a mistake in one must not stop the
// worker.
const (
	maxTemplateBytes = 256 << 10
	maxTemplateSteps = 100_000 // passes through a loop or a nested template
)

var errTemplateBound = fmt.Errorf("the template writes more than %d bytes or loops more than %d times: %w",
	maxTemplateBytes, maxTemplateSteps, errkind.Limit)

// renderTemplate runs the endpoint's template over a message.
func renderTemplate(f Form, m Message) (Body, error) {
	text := f.Template
	if f.Format != FormatTemplate {
		ready, err := readyTemplates.ReadFile("templates/" + string(f.Format) + ".tmpl")
		if err != nil {
			return Body{}, fmt.Errorf("unknown format %q: %w", f.Format, errkind.Invalid)
		}
		text = string(ready)
	}
	content, err := execute(text, m)
	if err != nil {
		return Body{}, fmt.Errorf("render template %s for notification %s: %w", f.Format, m.ID, err)
	}
	return newTemplateBody(content)
}

// An output that begins with a brace must be valid JSON: a receiver would reject it.
func newTemplateBody(content []byte) (Body, error) {
	content = bytes.TrimSpace(content)
	if !bytes.HasPrefix(content, []byte("{")) {
		return Body{content, "text/plain; charset=utf-8"}, nil
	}
	if !json.Valid(content) {
		return Body{}, fmt.Errorf("the template's output begins with { but is not JSON; put values in with {{json .Value}} or inside of quotes with {{esc .Value}}: %w", errkind.Invalid)
	}
	return Body{content, jsonType}, nil
}

// execute runs a template within the bounds.
func execute(text string, m Message) ([]byte, error) {
	steps := 0
	tick := func() (string, error) {
		if steps++; steps > maxTemplateSteps {
			return "", errTemplateBound
		}
		return "", nil
	}
	t, err := parseTemplate(text, tick)
	if err != nil {
		return nil, err
	}
	var out boundedBuffer
	if err := t.Execute(&out, m); errors.Is(err, errTemplateBound) {
		return nil, errTemplateBound
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	return out.Bytes(), nil
}

// parseTemplate calls tick in every pass of a loop and at the start of every
// nested template: text/template itself has no bound on time.
func parseTemplate(text string, tick func() (string, error)) (*template.Template, error) {
	functions := template.FuncMap{"tick": tick}
	parsed, err := template.New("template").Funcs(templateFuncs).Funcs(functions).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	call := template.Must(template.New("tick").Funcs(functions).Parse("{{tick}}")).Root.Nodes[0]
	for _, t := range parsed.Templates() {
		if t.Tree != nil {
			instrument(t.Root, call)
			prepend(t.Root, call)
		}
	}
	return parsed, nil
}

// instrument puts call into each loop below list.
func instrument(list *parse.ListNode, call parse.Node) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.RangeNode:
			instrumentBranch(&n.BranchNode, call)
			prepend(n.List, call)
		case *parse.IfNode:
			instrumentBranch(&n.BranchNode, call)
		case *parse.WithNode:
			instrumentBranch(&n.BranchNode, call)
		}
	}
}

func instrumentBranch(branch *parse.BranchNode, call parse.Node) {
	instrument(branch.List, call)
	instrument(branch.ElseList, call)
}

func prepend(list *parse.ListNode, call parse.Node) {
	list.Nodes = append([]parse.Node{call.Copy()}, list.Nodes...)
}

// boundedBuffer refuses to grow beyond maxTemplateBytes.
type boundedBuffer struct{ bytes.Buffer }

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxTemplateBytes {
		return 0, errTemplateBound
	}
	return b.Buffer.Write(p)
}

// templateFuncs are what templates can call beside the functions of
// text/template.
var templateFuncs = template.FuncMap{
	"json":     jsonValue,
	"esc":      jsonEscape,
	"slack":    escapeSlack,
	"markdown": escapeMarkdown,
	"truncate": plain.Truncate,
	"upper":    strings.ToUpper,
	"fit":      fit,
	"rest":     func(items []Item, limit int) int { return len(items) - len(fit(items, limit)) },
}

// escapeSlack keeps a text from being taken for links and mentions.
func escapeSlack(text string) string { return slackEntities.Replace(plain.Text(text)) }

var slackEntities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// jsonValue is any value as JSON, a text with its quotes.
func jsonValue(value any) (string, error) {
	raw, err := notification.Encode(value)
	return string(raw), err
}

// jsonEscape is a text as it stands between the quotes of a JSON string.
func jsonEscape(text string) (string, error) {
	quoted, err := jsonValue(text)
	if err != nil {
		return "", err
	}
	return quoted[1 : len(quoted)-1], nil
}

// escapeMarkdown keeps names with underscores and asterisks as they are.
func escapeMarkdown(text string) string {
	var out strings.Builder
	for _, r := range plain.Text(text) {
		if strings.ContainsRune("\\`*_~|[]<>#", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// fit is as many of the items as have room in a message of that many
// characters, at least one. Links and markup are counted generously.
func fit(items []Item, limit int) []Item {
	return room{characters: max(limit, 1), markup: defaultMarkup}.fit(items)
}
