package workflows_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// listed is a listing that went well; the next is due a day later.
func listed() taglist.Listing { return taglist.Listing{Active: true, List: 24 * time.Hour, Tags: 3} }

// unlisted is a listing that failed.
func unlisted(kind error, ask time.Duration) taglist.Listing {
	listing := listed()
	listing.RetryAfter = ask
	listing.Problem = &condition.Problem{Kind: errkind.Name(kind), Stage: condition.StageResolve, Message: "no"}
	return listing
}

// listings answers with those listings, then with one that ends the workflow.
func listings(list ...taglist.Listing) func(int) (taglist.Listing, error) {
	return func(check int) (taglist.Listing, error) {
		if check > len(list) {
			return taglist.Listing{}, nil
		}
		return list[check-1], nil
	}
}

func TestWatchRepositoryCarriesOut(t *testing.T) {
	t.Parallel()
	changed := listed()
	changed.New, changed.Removed = []string{"v2"}, []string{"v0"}
	changed.Endpoints, changed.Ended = []string{"chat"}, []image.Target{target}
	tests := []struct {
		name      string
		listing   taglist.Listing
		endpoints []string
		ended     []image.Target
	}{
		{"nothing new", listed(), nil, nil},
		{"tags came and went", changed, []string{"chat"}, []image.Target{target}},
		{"out of reach", unlisted(errkind.Unavailable, 0), nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.list = listings(test.listing)
			env.ExecuteWorkflow(workflows.WatchRepository, workflows.RepositoryState{Repository: repository})
			finished(t, env)
			if diff := cmp.Diff(test.endpoints, outside.endpoints); diff != "" {
				t.Errorf("endpoints (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.ended, outside.ended); diff != "" {
				t.Errorf("ended watchers (-want +got)\n%s", diff)
			}
			if outside.started != 1 {
				t.Errorf("watchers of new tags are started %d times, want once while the repository is watched", outside.started)
			}
		})
	}
}

func TestWatchRepositoryWaits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		listings []taglist.Listing
		want     []time.Duration
	}{
		{"an interval", []taglist.Listing{listed(), listed()}, []time.Duration{24 * time.Hour, 24 * time.Hour}},
		{"backs off and recovers", []taglist.Listing{unlisted(errkind.Unavailable, 0), unlisted(errkind.Unavailable, 0), listed(), unlisted(errkind.Unavailable, 0)},
			[]time.Duration{30 * time.Second, time.Minute, 24 * time.Hour, 30 * time.Second}},
		{"as long as the registry asks", []taglist.Listing{unlisted(errkind.Unavailable, time.Hour)}, []time.Duration{time.Hour}},
		{"gone: no reason to hurry", []taglist.Listing{unlisted(errkind.NotFound, 0)}, []time.Duration{24 * time.Hour}},
		{"does not spin", []taglist.Listing{{Active: true}}, []time.Duration{time.Second}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.list = listings(test.listings...)
			env.ExecuteWorkflow(workflows.WatchRepository, workflows.RepositoryState{Repository: repository})
			finished(t, env)
			if !slices.Equal(test.want, outside.waits()) {
				t.Errorf("waits %v, want %v", outside.waits(), test.want)
			}
		})
	}
}

func TestWatchRepositoryChecksWhenAsked(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.list = listings(listed())
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeSubscription}) }, time.Hour)
	env.ExecuteWorkflow(workflows.WatchRepository, workflows.RepositoryState{Repository: repository})
	finished(t, env)
	if want := []time.Duration{time.Hour}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// What travels from run to run is bounded, however many tags there are.
func TestWatchRepositoryHandsOver(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.list = func(int) (taglist.Listing, error) {
		env.SetContinueAsNewSuggested(true)
		many := listed()
		for i := range 500 {
			many.New = append(many.New, strconv.Itoa(i))
			many.Ended = append(many.Ended, target)
		}
		return many, nil
	}
	env.ExecuteWorkflow(workflows.WatchRepository, workflows.RepositoryState{Repository: repository})
	got := handedOver[workflows.RepositoryState](t, env)
	if got.Repository != repository || got.Last.Tags != 3 || len(got.Last.New) > 10 || len(got.Last.Ended) > 0 {
		t.Errorf("handed over %+v", got)
	}
	if len(outside.ended) != 500 {
		t.Errorf("%d watchers are notified that their tag is gone, want 500", len(outside.ended))
	}
}

func TestPlanRepository(t *testing.T) {
	t.Parallel()
	env, _ := newWorld(t)
	env.ExecuteWorkflow(workflows.PlanRepository, taglist.Repository{Name: repository})
	finished(t, env)
	var got taglist.Plan
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(taglist.Plan{Repository: repository, Tags: 3, Selected: 2}, got); diff != "" {
		t.Errorf("plan (-want +got)\n%s", diff)
	}
}
