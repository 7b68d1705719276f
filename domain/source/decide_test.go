package source_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// world is a source with the names of what is watched, over several listings.
type world struct {
	t       *testing.T
	source  source.Source
	state   source.State
	watched []string
}

func newWorld(t *testing.T, watched ...string) *world {
	return &world{t: t, source: source.Source{Name: "list", Kind: source.File, Paths: []string{"/srv/list"}, Types: []notification.Type{notification.TagUpdate}}, watched: watched}
}

// found are those references, a label of each behind it.
func (w *world) found(references ...string) (found []source.Found) {
	w.t.Helper()
	for i, text := range references {
		name, labels, _ := strings.Cut(text, " ")
		each := source.Refer(name, fmt.Sprint("list:", i+1), image.Platform{})
		if labels != "" {
			key, value, _ := strings.Cut(labels, "=")
			each = each.With(map[string]string{"tagwatch/" + key: value})
		}
		found = append(found, each)
	}
	return found
}

func (w *world) view() source.View {
	w.t.Helper()
	view := source.View{Source: w.source, State: w.state, Watched: map[image.Target]image.Target{}, Endpoints: []endpoint.Endpoint{{Name: "ops"}}}
	for _, name := range w.watched {
		target := parse(w.t, name)
		key := target
		key.Reference.Repository = key.Reference.Repository.Canonical()
		view.Watched[key] = target
	}
	return view
}

// list is what one listing of those references does, in words.
func (w *world) list(references ...string) string {
	w.t.Helper()
	found, view := w.found(references...), w.view()
	d, err := source.Decide(view, found, "", noon)
	if err != nil {
		return err.Error()
	}
	w.state = d.State
	var said []string
	say := func(word string, targets []image.Target) {
		for _, target := range targets {
			said = append(said, word+strings.TrimPrefix(target.String(), "docker.io/"))
		}
	}
	say("+", d.Added)
	say("*", d.Renewed)
	say("-", d.Ended)
	slices.Sort(said)
	if d.Problem != nil {
		w.state.Problem = d.Problem
		said = append(said, string(d.Problem.Stage))
	}
	return strings.Join(said, " ")
}

func parse(t *testing.T, text string) image.Target {
	t.Helper()
	target, err := image.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func many(from, to int) (names []string) {
	for i := from; i < to; i++ {
		names = append(names, fmt.Sprintf("app:%02d", i))
	}
	return names
}

// TestDecide plays listings, one after the other.
func TestDecide(t *testing.T) {
	t.Parallel()
	type step struct {
		list []string
		want string
	}
	for name, test := range map[string]struct {
		watched []string
		steps   []step
	}{
		"what appears is subscribed": {nil, []step{{[]string{"a", "b:1"}, "+a:latest +b:1"}, {[]string{"a", "b:1"}, ""}, {[]string{"a", "b:1", "c:1"}, "+c:1"}}},
		"what is gone twice ends":    {nil, []step{{[]string{"a:1", "b:1"}, "+a:1 +b:1"}, {[]string{"a:1"}, ""}, {[]string{"a:1"}, "-b:1"}, {[]string{"a:1"}, ""}}},
		"what is away once stays":    {nil, []step{{[]string{"a:1", "b:1"}, "+a:1 +b:1"}, {[]string{"a:1"}, ""}, {[]string{"a:1", "b:1"}, ""}, {[]string{"a:1"}, ""}}},
		"one tag, two spellings":     {nil, []step{{[]string{"nginx:1", "docker.io/library/nginx:1"}, "+nginx:1"}, {[]string{"docker.io/library/nginx:1"}, ""}}},
		"a name that is in use":      {[]string{"library/nginx:1"}, []step{{[]string{"index.docker.io/nginx:1"}, "+library/nginx:1"}}},
		"a switch":                   {nil, []step{{[]string{"a:1", "b:1 watch=false"}, "+a:1"}, {[]string{"a:1 watch=false", "b:1"}, "+b:1"}, {[]string{"a:1 watch=false", "b:1"}, "-a:1"}}},
		"a label that means nothing": {nil, []step{{[]string{"a:1", "b:1 tpyes=x"}, "+a:1"}, {[]string{"a:1 tpyes=x"}, ""}, {[]string{"a:1 tpyes=x"}, ""}}},
		"a label that changes":       {nil, []step{{[]string{"a:1"}, "+a:1"}, {[]string{"a:1 endpoints=ops"}, "*a:1"}, {[]string{"a:1 endpoints=ops"}, ""}, {[]string{"a:1 endpoints=nobody"}, ""}}},
		"nothing is left":            {nil, []step{{[]string{"a:1"}, "+a:1"}, {nil, "confirm"}, {nil, "confirm"}, {[]string{"a:1"}, ""}}},
		"another base image":         {nil, []step{{[]string{"a:1"}, "+a:1"}, {[]string{"a:2"}, "+a:2"}, {[]string{"a:2"}, "-a:1"}}},
		"more than half at once":     {nil, []step{{many(0, 12), strings.Join(prefixed("+", many(0, 12)), " ")}, {many(11, 12), "confirm"}, {many(10, 12), "confirm"}, {many(5, 12), ""}, {many(5, 12), strings.Join(prefixed("-", many(0, 5)), " ")}}},
		"new ones during a doubt":    {nil, []step{{many(0, 12), strings.Join(prefixed("+", many(0, 12)), " ")}, {[]string{"b:1"}, "+b:1 confirm"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.watched...)
			for i, step := range test.steps {
				if got := w.list(step.list...); got != step.want {
					t.Fatalf("listing %d of %v: %q, want %q", i+1, step.list, got, step.want)
				}
			}
		})
	}
}

func prefixed(prefix string, names []string) (all []string) {
	for _, name := range names {
		all = append(all, prefix+name)
	}
	return all
}

// What a person confirms is what was doubted, and nothing that goes later.
func TestDecideAfterAConfirmation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list(many(0, 30)...)
	if got := w.list(many(28, 30)...); got != "confirm" {
		t.Fatalf("listing: %q", got)
	}
	w.state.Confirmed = w.state.Doubt
	if got := w.list(many(29, 30)...); got != "confirm" {
		t.Errorf("a listing that lacks more: %q, want another doubt", got)
	}
	if got := w.list(many(28, 30)...); got != strings.Join(prefixed("-", many(0, 28)), " ") {
		t.Errorf("the listing that was confirmed: %q", got)
	}
	if got := len(w.state.Members); got != 2 {
		t.Errorf("%d members are left, want 2", got)
	}
	if w.state.Doubt != "" || w.state.Confirmed != "" || w.state.Unconfirmed() {
		t.Errorf("something still waits to be confirmed: %q, %q", w.state.Doubt, w.state.Confirmed)
	}
}

func TestDecideSubscribes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.Poll = time.Minute
	w.source.Options.Endpoints = []string{"chat"}
	found := []source.Found{
		source.Refer("a:1", "x", image.Platform{}),
		source.Refer("b:1@sha256:"+strings.Repeat("0", 64), "x", image.Platform{}).With(map[string]string{"tagwatch/types": "vuln_update", "tagwatch/endpoints": "ops", "tagwatch/interval": "10m"}),
	}
	d, err := source.Decide(source.View{Source: w.source, Endpoints: []endpoint.Endpoint{{Name: "ops"}, {Name: "chat"}}}, found, "v1", noon)
	if err != nil {
		t.Fatal(err)
	}
	made := func(target string, t1 notification.Type, options subscription.Options) []subscription.Subscription {
		return []subscription.Subscription{{Target: parse(t, target), Type: t1, Active: true, Options: options, Source: "list", Created: noon, Updated: noon}}
	}
	want := map[time.Duration][]subscription.Subscription{
		time.Minute:      made("a:1", notification.TagUpdate, subscription.Options{Endpoints: []string{"chat"}}),
		10 * time.Minute: made("b:1", notification.VulnUpdate, subscription.Options{Endpoints: []string{"ops"}, Pin: image.Digest("sha256:" + strings.Repeat("0", 64))}),
	}
	if diff := cmp.Diff(want, d.Subscribe); diff != "" {
		t.Errorf("subscriptions (-want +got)\n%s", diff)
	}
	// With fewer types, the others end.
	d, err = source.Decide(source.View{Source: w.source, State: d.State}, found[:1], "v2", noon)
	if err != nil || len(d.Dropped)+len(d.Renewed) > 0 || d.State.Version != "v2" {
		t.Errorf("nothing changed: %+v, %v", d, err)
	}
}

func TestDecideRefusesTooMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.Most = 3
	if got := w.list(many(0, 4)...); !strings.Contains(got, "--max-tags") {
		t.Errorf("four tags: %q", got)
	}
	if w.state.Listed {
		t.Error("it is recorded")
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	fine := source.Source{Name: "shop", Kind: source.File, Paths: []string{"/srv/list"}, Types: notification.TagTypes}
	if err := fine.Validate(nil); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*source.Source){
		"invalid name":       func(s *source.Source) { s.Name = "My Shop" },
		"the kinds are":      func(s *source.Source) { s.Kind = "helm" },
		"needs the path":     func(s *source.Source) { s.Paths = nil },
		"has to be absolute": func(s *source.Source) { s.Paths = []string{"list"} },
		"user name":          func(s *source.Source) { s.Paths = []string{"https://me:secret@git.example.org/list"} },
		"no addresses":       func(s *source.Source) { s.Kind, s.Paths = source.Compose, []string{"https://git.example.org/a"} },
		"one address":        func(s *source.Source) { s.Paths = append(s.Paths, "https://git.example.org/a") },
		"https://":           func(s *source.Source) { s.Paths = []string{"ftp://git.example.org/a"} },
		"reads one address":  func(s *source.Source) { s.Kind, s.Paths = source.Docker, []string{"/var/run/docker.sock"} },
		"no profiles":        func(s *source.Source) { s.Profiles = []string{"a"} },
		"no variables":       func(s *source.Source) { s.Variables = map[string]string{"a": "b"} },
		"of a variable":      func(s *source.Source) { s.Kind, s.Variables = source.Compose, map[string]string{"a-b": "c"} },
		"too short":          func(s *source.Source) { s.List = time.Second },
		"type":               func(s *source.Source) { s.Types = []notification.Type{notification.RepoUpdate} },
		"not found":          func(s *source.Source) { s.Options.Endpoints = []string{"nobody"} },
	} {
		changed := fine
		change(&changed)
		if err := changed.Validate(nil); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v, want one with %q", err, says)
		}
	}
}

// TestNamelessStays: what an engine runs under a name that it has lost begins nothing and
// ends nothing.
func TestNamelessStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list("a:1", "b:1")
	lost := []source.Found{w.found("a:1")[0], w.found("b:1")[0], w.found("c:1")[0]}
	lost[1].Reason, lost[2].Reason = source.Nameless, source.Nameless
	for range 3 {
		d, err := source.Decide(w.view(), lost, "", noon)
		if err != nil || len(d.Added) > 0 || len(d.Ended) > 0 || len(d.State.Members) != 2 {
			t.Fatalf("added %v, ended %v, %v", d.Added, d.Ended, err)
		}
		w.state = d.State
	}
}
