package audit_test

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/audit"
)

type hook struct {
	URL     string            `json:"url"`
	Pace    int               `json:"pace,omitempty"`
	Types   []string          `json:"types,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

func (h hook) state() audit.State {
	shown := h
	shown.URL = h.URL[:strings.LastIndex(h.URL, "/")] + "/..."
	shown.Headers = map[string]string{}
	for name := range h.Headers {
		shown.Headers[name] = "..."
	}
	return audit.Hiding(h, shown)
}

func TestCompare(t *testing.T) {
	first := hook{URL: "https://a.example/s3cret1", Types: []string{"tag_update"}, Headers: map[string]string{"X-Key": "s3cret2", "X-Team": "web"}}
	with := func(change func(*hook)) audit.State {
		changed := first
		change(&changed)
		return changed.state()
	}
	for name, test := range map[string]struct {
		before, after audit.State
		was, is       string
	}{
		"nothing":        {first.state(), first.state(), ``, ``},
		"nothing at all": {audit.Absent, audit.Absent, ``, ``},
		"created":        {audit.Absent, first.state(), ``, `{"headers":{"X-Key":"...","X-Team":"..."},"types":["tag_update"],"url":"https://a.example/..."}`},
		"deleted":        {audit.Plain(map[string]int{"n": 1}), audit.Absent, `{"n":1}`, ``},
		"a field":        {first.state(), with(func(h *hook) { h.Pace = 3 }), `{}`, `{"pace":3}`},
		"with its name":  {first.state().Naming("types", "pace"), with(func(h *hook) { h.Pace = 3 }).Naming("types", "pace"), `{"types":["tag_update"]}`, `{"pace":3,"types":["tag_update"]}`},
		"a list":         {first.state(), with(func(h *hook) { h.Types = nil }), `{"types":["tag_update"]}`, `{}`},
		"a secret":       {first.state(), with(func(h *hook) { h.URL = "https://a.example/s3cret3" }), `{"url":"https://a.example/..."}`, `{"url":"https://a.example/... (changed)"}`},
		"one of several secrets": {first.state(), with(func(h *hook) { h.Headers = map[string]string{"X-Key": "s3cret4", "X-Team": "web"} }),
			`{"headers":{"X-Key":"..."}}`, `{"headers":{"X-Key":"... (changed)"}}`},
		"a secret more": {first.state(), with(func(h *hook) {
			h.Headers = map[string]string{"X-Key": "s3cret2", "X-Team": "web", "X-New": "s3cret5"}
		}), `{"headers":{}}`, `{"headers":{"X-New":"..."}}`},
	} {
		was, is, err := audit.Compare(test.before, test.after)
		if err != nil || string(was) != test.was || string(is) != test.is {
			t.Errorf("%s:\n got  %s\n and  %s (%v)\n want %s\n and  %s", name, was, is, err, test.was, test.is)
		}
		if strings.Contains(string(was)+string(is), "s3cret") {
			t.Errorf("%s: a secret is recorded: %s %s", name, was, is)
		}
	}
}

func TestActor(t *testing.T) {
	if got := audit.ActorOf(t.Context()); got != (audit.Actor{}) {
		t.Errorf("without an actor: %+v", got)
	}
	ada := audit.Actor{Name: "ada", Via: audit.API}
	if got := audit.ActorOf(audit.As(t.Context(), ada)); got != ada {
		t.Errorf("got %+v", got)
	}
}
