package activities_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/lab/contract"
)

// TestEveryBodyKeepsToThePublishedSchemas plays the whole story, with everything
// that can fail and recover in it, to endpoints of all formats: what they receive
// keeps to the schema that a receiver chooses for it.
func TestEveryBodyKeepsToThePublishedSchemas(t *testing.T) {
	t.Parallel()
	schemas, err := contract.Open("../docs/schemas")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.endpoint("hook", notification.Types...)
	formats := []message.Format{message.FormatAnchore, message.FormatCloudEvents, message.FormatSlim}
	for _, format := range formats {
		for name, pace := range map[string]endpoint.Pace{"each": {}, "together": {Digest: endpoint.MaxTimeout}} {
			r.must(r.store.SaveEndpoint(t.Context(), endpoint.Endpoint{Name: string(format) + "-" + name, URL: r.receiver.URL() + "/" + string(format),
				Types: notification.Types, Format: format, Pace: pace}, r.clock.Now()))
		}
	}
	lifeOfATag(r)
	lifeOfTheFeed(r)
	lifeOfAnEndpoint(r)
	lifeOfARepository(r)
	r.clock.advance(endpoint.MaxTimeout)
	for _, format := range formats {
		for _, name := range []string{"each", "together"} {
			r.deliverTo(string(format) + "-" + name)
		}
	}
	chosen := map[string]int{}
	for _, hook := range r.receiver.All() {
		name, err := schemas.Check(hook.Header.Get("Content-Type"), hook.Body)
		if err != nil {
			t.Errorf("%v\n%.2000s", err, hook.Body)
		}
		chosen[name]++
	}
	want := []string{"webhook-analysis_update.json", "webhook-cloudevents-group.json", "webhook-cloudevents.json", "webhook-event_log.json",
		"webhook-group.json", "webhook-policy_eval.json", "webhook-repo_update.json", "webhook-slim-group.json", "webhook-slim.json",
		"webhook-tag_update.json", "webhook-vuln_update.json"}
	if got := slices.Sorted(maps.Keys(chosen)); !slices.Equal(got, want) {
		t.Errorf("bodies of %v, want some of each of %v", got, want)
	}
}
