package watch_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	state := recorded()
	want := watch.Summary{Target: target, Resolved: image.Resolved{Manifest: older}, Analyzed: older, Build: "build 1",
		Matched: true, Counts: vuln.Counts{High: 1}, Status: "pass", FinalAction: "go", Checked: state.Checked, Resynced: state.Checked, Changed: state.Changed}
	if diff := cmp.Diff(want, state.Summarize(target)); diff != "" {
		t.Errorf("summary (-want +got)\n%s", diff)
	}
	if got := (watch.State{}).Summarize(target); got != (watch.Summary{Target: target}) {
		t.Errorf("summary of nothing: %+v", got)
	}
}

// What is handed from step to step travels as JSON, also while nothing is known.
func TestTravels(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]watch.Recorded{
		"nothing": {},
		"much":    {Summary: recorded().Summarize(target), Endpoints: []string{"chat"}},
	} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got watch.Recorded
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
