package source_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/workload"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	web := func(running ...source.Running) source.Workload {
		return source.Workload{Kind: "deployment", Namespace: "shop", Name: "web", Container: "app", Running: running}
	}
	job := source.Workload{Kind: "cronjob", Namespace: "shop", Name: "job"}
	got := source.Merge([]source.Workload{web(source.Running{Digest: "sha256:a", Count: 1})},
		[]source.Workload{web(source.Running{Digest: "sha256:b", Count: 2}, source.Running{Digest: "sha256:a", Count: 1}), job})
	want := []source.Workload{web(source.Running{Digest: "sha256:a", Count: 2}, source.Running{Digest: "sha256:b", Count: 2}), job}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got)\n%s", diff)
	}
}

// TestMergeIsBounded counts every container, those of too many images as unknown.
func TestMergeIsBounded(t *testing.T) {
	t.Parallel()
	var all []source.Workload
	for i := range 2 * source.MostRunning {
		all = append(all, source.Workload{Kind: "service", Name: "web", Running: []source.Running{{Digest: image.Digest(fmt.Sprint("sha256:", i)), Count: 1}}})
	}
	got := source.Merge(nil, all)
	if len(got) != 1 || got[0].Count() != 2*source.MostRunning || len(got[0].Running) != source.MostRunning || got[0].Running[source.MostRunning-1].Digest != "" {
		t.Errorf("merged %+v", got)
	}
	all = nil
	for i := range 2 * source.MostWorkloads {
		all = append(all, source.Workload{Kind: "service", Name: fmt.Sprint("web", i)})
	}
	if got := source.Merge(nil, all); len(got) != source.MostWorkloads {
		t.Errorf("%d workloads", len(got))
	}
}

// TestOrder keeps what runs of a place that is listed twice.
func TestOrder(t *testing.T) {
	t.Parallel()
	task := source.Refer("nginx:1", "service web", image.Platform{})
	task.Workloads = []source.Workload{{Kind: "service", Name: "web", Running: []source.Running{{Digest: "sha256:a", Count: 1}}}}
	got := source.Order([]source.Found{task, task, source.Refer("nginx:2", "service web", image.Platform{})})
	if len(got) != 2 || len(got[0].Workloads) != 1 || got[0].Workloads[0].Count() != 2 {
		t.Errorf("found %+v", got)
	}
}

// TestCountedOnce counts a workload that two sources list in one of them, and loses no
// update of it when its containers are made anew, which changes what it is known by.
func TestCountedOnce(t *testing.T) {
	t.Parallel()
	w := newSharedEngine(t)
	w.lists("b", "1", "old", "counts")
	w.lists("a", "1", "old", "")
	w.lists("b", "1", "old", "counts")
	w.lists("a", "2", "new", "counts") // it does not know what ran before
	w.lists("b", "2", "new", "counts, starts new")
	w.lists("b", "2", "new", "") // both count it: the first by name goes on
	w.lists("a", "2", "new", "counts")
	w.lists("a", "3", "newer", "counts, starts newer")
	w.lists("b", "3", "newer", "")
	delete(w.rows, "a")
	w.lists("b", "3", "newer", "counts")
	w.lists("node", "s@n1", "new", "counts")
	w.lists("other", "s@n2", "new", "counts") // another part of the same service
	w.lists("zoo", "s", "new", "counts")      // its manager
	w.lists("node", "s@n1", "new", "")
	w.lists("other", "s@n2", "new", "")
	w.lists("b", "", "newer", "counts") // not known by anything
}

// sharedEngine is what several sources record of one workload.
type sharedEngine struct {
	*testing.T
	rows    map[string][]workload.Row
	members []source.Member
}

func newSharedEngine(t *testing.T) *sharedEngine {
	return &sharedEngine{T: t, rows: map[string][]workload.Row{}}
}

// lists has a source read the workload under an origin, and expects whether it counts it.
func (e *sharedEngine) lists(name, origin, runs, want string) {
	e.Helper()
	found := source.Refer("a:1", "service web", image.Platform{})
	found.Workloads = []source.Workload{{Kind: "service", Name: "web", Origin: origin, Running: []source.Running{{Digest: image.Digest(runs), Count: 1}}}}
	view := source.View{Source: source.Source{Name: name, Kind: source.Docker}, State: source.State{Members: e.members}, Running: e.rows[name], Elsewhere: map[source.Counted]string{}}
	for other, rows := range e.rows {
		for _, row := range rows {
			key := source.Counted{Origin: row.Origin, Target: row.Target}
			if other != name && row.Count > 0 && (view.Elsewhere[key] == "" || other < view.Elsewhere[key]) {
				view.Elsewhere[key] = other
			}
		}
	}
	d, err := source.Decide(view, []source.Found{found}, "", noon)
	if err != nil {
		e.Fatal(err)
	}
	e.rows[name], e.members = d.Running, d.State.Members
	got := ""
	for _, row := range d.Running {
		if row.Count > 0 {
			got = "counts"
		}
	}
	for _, update := range d.Updates {
		got += ", starts " + string(update.After)
	}
	if got != want {
		e.Errorf("source %s, which knows it by %q, with %s: %q, want %q", name, origin, runs, got, want)
	}
}
