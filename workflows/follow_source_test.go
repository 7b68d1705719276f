package workflows_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/workflows"
)

// sourceListed is a reading that went well; the next is due an hour later.
func sourceListed() source.Listing { return source.Listing{Active: true, List: time.Hour, Tags: 3} }

// sourceFails is a reading that came to nothing, or that is not believed.
func sourceFails(stage condition.Stage) source.Listing {
	listing := sourceListed()
	listing.Problem = &condition.Problem{Kind: errkind.Name(errkind.NotFound), Stage: stage, Message: "no"}
	return listing
}

// sourceListings answers with those listings, then with one that ends the workflow.
func sourceListings(list ...source.Listing) func(int) (source.Listing, error) {
	return func(reading int) (source.Listing, error) {
		if reading > len(list) {
			return source.Listing{}, nil
		}
		return list[reading-1], nil
	}
}

func TestFollowSourceCarriesOut(t *testing.T) {
	t.Parallel()
	changed := sourceListed()
	changed.Added, changed.Ended, changed.Renewed = []image.Target{target}, []image.Target{target}, []image.Target{target}
	for name, test := range map[string]struct {
		listing source.Listing
		woken   []image.Target
	}{
		"nothing new":         {sourceListed(), nil},
		"tags came and went":  {changed, []image.Target{target, target}},
		"it cannot be read":   {sourceFails(condition.StageList), nil},
		"it is not believed":  {sourceFails(condition.StageConfirm), nil},
		"it does not spin":    {source.Listing{Active: true}, nil},
		"nothing is followed": {source.Listing{Active: true, List: time.Hour, NotFollowed: 3}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.source = sourceListings(test.listing)
			env.ExecuteWorkflow(workflows.FollowSource, workflows.SourceState{Name: "shop"})
			finished(t, env)
			if diff := cmp.Diff(test.woken, outside.ended); diff != "" {
				t.Errorf("woken (-want +got)\n%s", diff)
			}
			if outside.started != 1 {
				t.Errorf("watchers of new tags are started %d times, want once while the source exists", outside.started)
			}
		})
	}
}

func TestFollowSourceWaits(t *testing.T) {
	t.Parallel()
	fails := sourceFails(condition.StageList)
	for name, test := range map[string]struct {
		listings []source.Listing
		want     []time.Duration
	}{
		"an interval": {[]source.Listing{sourceListed(), sourceListed()}, []time.Duration{time.Hour, time.Hour}},
		"backs off, not for long, and recovers": {[]source.Listing{fails, fails, fails, fails, fails, fails, sourceListed(), fails},
			[]time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute, time.Hour, 30 * time.Second}},
		"a person is to confirm": {[]source.Listing{sourceFails(condition.StageConfirm)}, []time.Duration{time.Hour}},
		"does not spin":          {[]source.Listing{{Active: true}}, []time.Duration{time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.source = sourceListings(test.listings...)
			env.ExecuteWorkflow(workflows.FollowSource, workflows.SourceState{Name: "shop"})
			finished(t, env)
			if !slices.Equal(test.want, outside.waits()) {
				t.Errorf("waits %v, want %v", outside.waits(), test.want)
			}
		})
	}
}

// What travels from run to run is bounded, however many tags there are.
func TestFollowSourceHandsOver(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.source = func(int) (source.Listing, error) {
		env.SetContinueAsNewSuggested(true)
		many := sourceListed()
		for i := range 500 {
			named := target
			named.Reference.Tag = fmt.Sprint(i)
			many.Added, many.Ended, many.Renewed = append(many.Added, named), append(many.Ended, named), append(many.Renewed, named)
		}
		return many, nil
	}
	env.ExecuteWorkflow(workflows.FollowSource, workflows.SourceState{Name: "shop"})
	got := handedOver[workflows.SourceState](t, env)
	if got.Name != "shop" || got.Last.Tags != 3 || len(got.Last.Added) > 10 || len(got.Last.Ended) > 10 || len(got.Last.Renewed) > 0 {
		t.Errorf("handed over %+v", got)
	}
	if len(outside.ended) != 1000 {
		t.Errorf("%d watchers are woken, want 1000", len(outside.ended))
	}
}

func TestPlanSource(t *testing.T) {
	t.Parallel()
	env, _ := newWorld(t)
	env.ExecuteWorkflow(workflows.PlanSource, source.Source{Name: "shop"})
	finished(t, env)
	var got source.Plan
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(source.Plan{Source: source.Source{Name: "shop"}, Tags: 2, References: 3}, got); diff != "" {
		t.Errorf("plan (-want +got)\n%s", diff)
	}
}
