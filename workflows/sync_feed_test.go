package workflows_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/workflows"
)

func TestSyncFeed(t *testing.T) {
	t.Parallel()
	const current, newer = "sha256:current", "sha256:newer"
	next := vuln.Build{Checksum: newer, URL: "https://feed.example.com/newer.tar.zst", Schema: "6.1.0"}
	same := vuln.Build{Checksum: current}
	tests := []struct {
		name      string
		fetched   databuild.Fetched
		want      workflows.Synced
		advanced  []databuild.AdvanceRequest
		evaluated []string // builds
	}{
		{name: "nothing new", fetched: databuild.Fetched{Current: current},
			want: workflows.Synced{Build: current}},
		{name: "held", fetched: databuild.Fetched{Current: current, Held: []string{"provider alpine is gone"}},
			want: workflows.Synced{Build: current, Held: []string{"provider alpine is gone"}}},
		{name: "not held any more", fetched: databuild.Fetched{Current: current, Ended: newer, Refused: newer},
			want: workflows.Synced{Build: current, Ended: newer, Refused: newer}},
		{name: "held, with nothing current", fetched: databuild.Fetched{Held: []string{"empty"}},
			want: workflows.Synced{Held: []string{"empty"}}},
		{name: "advance", fetched: databuild.Fetched{Current: current, Build: &next},
			want:     workflows.Synced{Build: newer, Groups: 12, Changed: 3, Woken: 5},
			advanced: []databuild.AdvanceRequest{{Build: next, From: current}}, evaluated: []string{newer}},
		{name: "the first data ever concern all", fetched: databuild.Fetched{Build: &next},
			want:     workflows.Synced{Build: newer, Groups: 12, Changed: 3, Woken: 5},
			advanced: []databuild.AdvanceRequest{{Build: next}}, evaluated: []string{newer}},
		{name: "roll back", fetched: databuild.Fetched{Current: current, Build: &next, Leave: databuild.Rejected},
			want:     workflows.Synced{Build: newer, Groups: 12, Changed: 3, Woken: 5},
			advanced: []databuild.AdvanceRequest{{Build: next, From: current, Leave: databuild.Rejected}}, evaluated: []string{newer}},
		{name: "match anew with another matcher", fetched: databuild.Fetched{Current: current, Build: &same},
			want:     workflows.Synced{Build: current, Groups: 12, Changed: 3, Woken: 5},
			advanced: []databuild.AdvanceRequest{{Build: same, From: current}}, evaluated: []string{current}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.fetched = test.fetched
			env.ExecuteWorkflow(workflows.SyncFeed, databuild.SyncRequest{})
			finished(t, env)
			var got workflows.Synced
			if err := env.GetWorkflowResult(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("outcome (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.advanced, outside.advanced); diff != "" {
				t.Errorf("advanced (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.evaluated, outside.reevaluated); diff != "" {
				t.Errorf("evaluated for builds (-want +got)\n%s", diff)
			}
		})
	}
}

// TestSyncFeedJudgesAnew what was overtaken by another run.
func TestSyncFeedJudgesAnew(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	next := vuln.Build{Checksum: "sha256:next"}
	outside.fetched, outside.superseded = databuild.Fetched{Build: &next}, 1
	env.ExecuteWorkflow(workflows.SyncFeed, databuild.SyncRequest{})
	finished(t, env)
	if len(outside.advanced) != 2 || len(outside.reevaluated) != 1 {
		t.Errorf("advanced %+v, evaluated for %v", outside.advanced, outside.reevaluated)
	}
}

// TestSyncFeedAsksAgain for what is newer when a move fails round after round: data
// that cannot be used must not keep newer data away.
func TestSyncFeedAsksAgain(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	newer, newest := vuln.Build{Checksum: "sha256:newer"}, vuln.Build{Checksum: "sha256:newest"}
	outside.fetched = databuild.Fetched{Current: "sha256:current", Build: &newer}
	outside.advance = func(request databuild.AdvanceRequest) error {
		if request.Build == newest {
			return nil
		}
		outside.fetched.Build = &newest // is published meanwhile
		return errOutage
	}
	env.ExecuteWorkflow(workflows.SyncFeed, databuild.SyncRequest{})
	finished(t, env)
	var got workflows.Synced
	if err := env.GetWorkflowResult(&got); err != nil || got.Build != newest.Checksum {
		t.Errorf("outcome %+v, %v", got, err)
	}
	if diff := cmp.Diff([]bool{true, false}, turnsOf(outside, condition.Task, workflows.SyncFeedID)); diff != "" {
		t.Errorf("noted (-want +got)\n%s", diff)
	}
}

// TestConflictsOfAnUpgradeAreNoFailure: while workers of two versions run, those of
// the older one leave the step to the others, so conflicts have to last longer than
// other failures before anybody is notified.
func TestConflictsOfAnUpgradeAreNoFailure(t *testing.T) {
	t.Parallel()
	lasting := func(kind error) time.Duration {
		env, outside := newWorld(t)
		outside.fetched = databuild.Fetched{Current: "sha256:current", Build: &vuln.Build{Checksum: "sha256:newer"}}
		tries := 0
		outside.advance = func(databuild.AdvanceRequest) error {
			if tries++; tries > 15 {
				return nil
			}
			return temporal.NewApplicationError("another version is active", errkind.Name(kind))
		}
		env.ExecuteWorkflow(workflows.SyncFeed, databuild.SyncRequest{})
		finished(t, env)
		if diff := cmp.Diff([]bool{true, false}, turnsOf(outside, condition.Task, workflows.SyncFeedID)); diff != "" {
			t.Errorf("noted (-want +got)\n%s", diff)
		}
		return outside.failing[0].Found[0].For
	}
	if conflict, other := lasting(errkind.Conflict), lasting(errkind.Unavailable); conflict <= other {
		t.Errorf("a conflict has to last %s, and another failure %s", conflict, other)
	}
}

// TestSummarizeWaits for the tags that are behind, as long as they catch up.
func TestSummarizeWaits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		behind []int
		asked  int
		anyway bool // the last time
	}{
		{"nobody is behind", nil, 1, false},
		{"all catch up", []int{9, 4, 4, 4, 4, 1}, 7, false},
		{"one does not", []int{9, 1, 1, 1, 1, 1, 1, 1}, 7, true},
		{"none does", []int{3, 3, 3, 3, 3, 3, 3, 3}, 6, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.behind = test.behind
			env.ExecuteWorkflow(workflows.Summarize)
			finished(t, env)
			asked := outside.summarized
			if len(asked) != test.asked || asked[len(asked)-1].Force != test.anyway {
				t.Errorf("asked %d times: %+v", len(asked), asked)
			}
		})
	}
}
