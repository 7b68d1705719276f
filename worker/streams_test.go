package main

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tagwatch/tagwatch/activities"
)

// TestStreamsPage shows how many streams are open, and since when others are not; those who
// may not learn the names see the oldest times.
func TestStreamsPage(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(streams{func() []activities.StreamState {
		return []activities.StreamState{{Source: "new"}, {Source: "lab", Event: time.Unix(100, 0)},
			{Source: "prod", Event: time.Unix(50, 0), Failing: time.Unix(60, 5e8)}, {Source: "shop", Failing: time.Unix(70, 0)}}
	}})
	const counts = `
# HELP tagwatch_source_streams Streams of changes that this worker should have open, one for each cluster and engine.
# TYPE tagwatch_source_streams gauge
tagwatch_source_streams 4
# HELP tagwatch_source_streams_open Those of them that are open.
# TYPE tagwatch_source_streams_open gauge
tagwatch_source_streams_open 1
# HELP tagwatch_source_stream_event_timestamp_seconds When the stream was last opened or announced a change.
# TYPE tagwatch_source_stream_event_timestamp_seconds gauge
`
	const failing = `# HELP tagwatch_source_stream_failing_timestamp_seconds Since when the stream is not open.
# TYPE tagwatch_source_stream_failing_timestamp_seconds gauge
`
	for _, test := range []struct {
		name  string
		shown prometheus.Gatherer
		want  string
	}{
		{"with names", registry, counts + `tagwatch_source_stream_event_timestamp_seconds{source="lab"} 100
tagwatch_source_stream_event_timestamp_seconds{source="prod"} 50
` + failing + `tagwatch_source_stream_failing_timestamp_seconds{source="prod"} 60.5
tagwatch_source_stream_failing_timestamp_seconds{source="shop"} 70
`},
		{"without", withoutNames{registry}, counts + `tagwatch_source_stream_event_timestamp_seconds{source="hidden"} 50
` + failing + `tagwatch_source_stream_failing_timestamp_seconds{source="hidden"} 60.5
`},
	} {
		if err := testutil.GatherAndCompare(test.shown, strings.NewReader(test.want)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
