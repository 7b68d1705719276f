package activities_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/sources"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// listRig is a rig with a source that reads a list of the registry's tags.
type listRig struct {
	*rig
	file string
}

func newListed(t *testing.T, tags ...string) *listRig {
	r := newRig(t)
	folder := t.TempDir()
	reader, err := sources.New(sources.Options{Paths: []string{folder}})
	r.must(err)
	r.steps.Sources = reader
	l := &listRig{r, filepath.Join(folder, "images.txt")}
	for _, tag := range tags {
		r.push(tag, "openssl 1")
	}
	l.write(tags...)
	r.must(r.store.SaveSource(t.Context(), l.source(), r.clock.Now()))
	return l
}

func (l *listRig) source() source.Source {
	return source.Source{Name: "shop", Kind: source.File, Paths: []string{l.file}, Types: []notification.Type{notification.TagUpdate}}
}

// write makes the list of tags of the registry, and of what is no tag.
func (l *listRig) write(lines ...string) {
	l.Helper()
	for i, line := range lines {
		if strings.HasPrefix(line, "app:") {
			lines[i] = l.registry.Reference(line)
		}
	}
	l.must(os.WriteFile(l.file, []byte(strings.Join(lines, "\n")), 0o600))
}

// read is one round of FollowSource.
func (l *listRig) read() source.Listing {
	l.Helper()
	l.clock.advance(l.steps.Resync)
	listing := do[source.Listing](l.rig, l.steps.ReadSource, "shop")
	if listing.Active {
		do[int](l.rig, l.steps.StartSourceWatches, "shop")
	}
	return listing
}

func TestReadSource(t *testing.T) {
	t.Parallel()
	r := newListed(t, "app:1", "app:2", "app:3")
	r.endpoint("hook")
	r.endpoint("log", notification.EventLog)
	first := r.read()
	if !first.Active || first.Tags != 3 || len(first.Added) != 3 || first.Problem != nil {
		t.Fatalf("first listing %+v", first)
	}
	started := r.watchers.take()
	slices.Sort(started)
	if diff := cmp.Diff([]string{"registry", "start app:1", "start app:2", "start app:3"}, started); diff != "" {
		t.Errorf("started (-want +got)\n%s", diff)
	}
	// A person wants to hear of app:2, whatever the source says.
	r.subscribe(r.target("app:2"), notification.VulnUpdate)
	r.write("app:1", "nothing/that:${IS}", "app:4")
	r.push("app:4", "openssl 1")
	if got := r.read(); got.Tags != 4 || got.NotFollowed != 1 || len(got.Added) != 1 || len(got.Ended) != 0 {
		t.Errorf("listing without two of them, for the first time: %+v", got)
	}
	if got := r.read(); got.Tags != 2 || len(got.Ended) != 2 {
		t.Errorf("listing without two of them, for the second time: %+v", got)
	}
	if diff := cmp.Diff([]string{"app:1", "app:2", "app:4"}, r.subscribed()); diff != "" {
		t.Errorf("subscribed (-want +got)\n%s", diff)
	}
	if got := r.notified(); len(got) > 0 {
		t.Errorf("notified of %v, want nothing: no tag has moved", got)
	}
}

// TestSourceOutages ends nothing because of what cannot be read.
func TestSourceOutages(t *testing.T) {
	t.Parallel()
	r := newListed(t, "app:1", "app:2")
	r.endpoint("log", notification.EventLog)
	r.read()
	r.must(os.Rename(r.file, r.file+".away"))
	for range 3 {
		if got := r.read(); got.Problem == nil || got.Problem.Kind != errkind.Name(errkind.NotFound) || got.Tags != 2 || !got.Active {
			t.Fatalf("listing of a file that is away: %+v", got)
		}
	}
	if _, state, err := r.store.Source(t.Context(), "shop"); err != nil || state.Problem == nil || !strings.Contains(state.Problem.Message, r.file) {
		t.Errorf("state %+v, %v; want the problem to name the file", state.Problem, err)
	}
	r.must(os.Rename(r.file+".away", r.file))
	if got := r.read(); got.Problem != nil || got.Tags != 2 {
		t.Errorf("listing of a file that is back: %+v", got)
	}
	if diff := cmp.Diff([]string{"system.source.read_failed shop", "system.source.read_recovered shop"}, inOrder(r.notified())); diff != "" {
		t.Errorf("notified (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"app:1", "app:2"}, r.subscribed()); diff != "" {
		t.Errorf("subscribed (-want +got)\n%s", diff)
	}
}

// What is gone at once waits for a person.
func TestSourceIsConfirmed(t *testing.T) {
	t.Parallel()
	r := newListed(t, "app:1", "app:2")
	r.read()
	r.write("# nothing any more")
	for range 3 {
		if got := r.read(); got.Problem == nil || got.Problem.Stage != condition.StageConfirm || got.Tags != 2 {
			t.Fatalf("an empty list: %+v", got)
		}
	}
	r.must(r.store.ConfirmSource(t.Context(), "shop", r.clock.Now()))
	if got := r.read(); got.Problem != nil || got.Tags != 0 || len(got.Ended) != 2 {
		t.Errorf("after the confirmation: %+v", got)
	}
	if got := r.subscribed(); len(got) > 0 {
		t.Errorf("subscribed: %v", got)
	}
}

func TestSourceIsRemoved(t *testing.T) {
	t.Parallel()
	r := newListed(t, "app:1")
	r.read()
	if ended, err := r.store.DeleteSource(t.Context(), "shop", r.clock.Now()); err != nil || len(ended) != 1 {
		t.Fatalf("ended %v, %v", ended, err)
	}
	if got := r.read(); got.Active {
		t.Errorf("listing of a source that was removed: %+v", got)
	}
}

func TestPlanSource(t *testing.T) {
	t.Parallel()
	r := newListed(t, "app:1", "app:2")
	r.must(r.store.Subscribe(t.Context(), []subscription.Subscription{{Target: r.target("app:2"), Type: notification.TagUpdate, Active: true}}, 0, r.clock.Now()))
	asked := r.source()
	asked.Name = "other"
	plan := do[source.Plan](r.rig, r.steps.PlanSource, asked)
	if plan.Tags != 2 || plan.New != 2 || plan.References != 2 || len(plan.Found) != 2 || plan.Problem != "" {
		t.Errorf("plan of a new one %+v", plan)
	}
	r.read()
	r.write("app:2", "scratch")
	if plan = do[source.Plan](r.rig, r.steps.PlanSource, r.source()); plan.Tags != 1 || plan.New != 0 || plan.Missing != 1 || plan.References != 2 {
		t.Errorf("plan of one that is there %+v", plan)
	}
	if diff := cmp.Diff([]string{"app:1", "app:2"}, r.subscribed()); diff != "" {
		t.Errorf("a plan changes nothing (-want +got)\n%s", diff)
	}
	asked.Paths = []string{"/etc/passwd"}
	_, err := try[source.Plan](r.rig, r.steps.PlanSource, asked)
	expectFault(t, err, errkind.Unauthorized, false)
}

func inOrder(lines []string) []string {
	slices.Sort(lines)
	return lines
}
