package page

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// functions are what the templates can call.
func (s *Site) functions() template.FuncMap {
	return template.FuncMap{
		"interval":     polling.IntervalText,
		"ago":          func(t time.Time) string { return wording.Ago(s.Now(), t) },
		"stamp":        func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") },
		"machine":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"headline":     watch.Summary.Headline,
		"mood":         mood,
		"ended":        func(c vuln.Coverage) bool { return c.Ended(s.Now()) },
		"spark":        func(history []watch.CountsAt) *spark { return newSpark(history, s.Now()) },
		"address":      address,
		"severity":     severityClass,
		"tagLink":      func(t image.Target, more ...string) string { return tagLink("/tag", t, more...) },
		"tagPath":      tagLink,
		"count":        newCount,
		"severityText": severityText,
		"tagsOf":       tagsOf,
		"json":         func(content []byte) string { return shorten(string(content), 400) },
		"aboutLink":    func(subject string) string { return "/notifications?" + url.Values{"subject": {subject}}.Encode() },
		"shorten":      shorten,
		"long":         newLongText,
		"breakable":    breakable,
	}
}

// counted is a number of vulnerabilities of a tag, with a link to them.
type counted struct {
	Number            int
	Word, Link, Class string
}

func newCount(t image.Target, severity string, number int) counted {
	c := counted{Number: number, Word: severity, Link: tagLink("/tag", t, "severity", severity) + "#vulnerabilities"}
	if severity == "critical" || severity == "high" {
		c.Class = severityClass(severity)
	}
	return c
}

// severityText is a choice of the form.
func severityText(value string) string {
	if name, above := strings.CutSuffix(value, "+"); above {
		return name + " and above"
	}
	return value
}

// breakable is a name that a browser breaks after a slash and before a tag and a
// platform.
func breakable(name any) template.HTML {
	text := template.HTMLEscapeString(fmt.Sprint(name))
	return template.HTML(strings.NewReplacer("/", "/<wbr>", ":", "<wbr>:", "@", "<wbr>@").Replace(text)) // escaped above
}

// mood is the class of a tag's badge.
func mood(s watch.Summary) string {
	switch {
	case s.Status == policy.Fail:
		return "bad"
	case s.Status == policy.Pass && (s.FinalAction == policy.Warn || s.Coverage.Missing()):
		return "doubtful"
	case s.Status == policy.Pass:
		return "good"
	}
	return "open"
}

// address is where an endpoint is, without the parts of its URL that can be secret.
func address(e endpoint.Endpoint) string {
	if endpoint.SecretRef(e.URL).IsRef() {
		return e.URL
	}
	parsed, err := url.Parse(e.URL)
	if err != nil || parsed.Host == "" {
		return "(not shown)"
	}
	return parsed.Scheme + "://" + parsed.Host
}

// severityClass is one of our own classes, whatever the text.
func severityClass(text any) string {
	switch name := strings.ToLower(fmt.Sprint(text)); name {
	case "critical", "high", "medium", "low", "negligible":
		return "sev-" + name
	}
	return "sev-unknown"
}

// longText is a text of which a phone shows the start only, until it is opened.
type longText struct{ Full, Start string }

// newLongText shows at most as many characters of a text, on a phone as many as start.
func newLongText(text string, most, start int) longText {
	full := shorten(text, most)
	if len([]rune(full)) <= start+2 { // the sign that more follows takes the place
		return longText{Full: full}
	}
	return longText{full, shorten(full, start)}
}

// shorten cuts a text to about as many characters.
func shorten(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return string(letters[:most]) + " …"
}
