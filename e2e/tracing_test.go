package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestTracing follows one trace from a command of a person through the signal,
// the workflow and its steps to the webhook and into the receiver.
func TestTracing(t *testing.T) {
	t.Parallel()
	const secret = "swordfish-in-the-address"
	collector := made(lab.NewCollector())(t)
	t.Cleanup(func() { collector.Close() })
	i := install(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL(), "OTEL_BSP_SCHEDULE_DELAY=200")
	i.do("endpoint", "add", "receiver", i.receiver.URL()+"/hook?room="+secret, "--replace")
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", reference, "--wait")
	i.notified(1)
	i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	i.do("rescan", reference)
	moved := i.hookOf("tag_update")

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	version, rest, _ := strings.Cut(moved.Header.Get("traceparent"), "-")
	if version != "00" || len(rest) != 32+1+16+1+2 {
		t.Fatalf("the webhook's traceparent is %q", moved.Header.Get("traceparent"))
	}
	trace, span := rest[:32], rest[33:49]
	spans := made(collector.Trace(ctx, trace, "tagwatch rescan", "HandleSignal:wake", "RunActivity:Observe", "registry head",
		"RunActivity:Analyze", "analyze", "RunActivity:Match", "match", "RunActivity:Record", "webhook receiver"))(t)
	post := spans[slices.IndexFunc(spans, func(s lab.Span) bool { return s.ID == span })]
	if post.Name != "webhook receiver" || post.Service != "tagwatch-worker" || len(post.Links) != 1 {
		t.Errorf("the receiver was notified of span %+v", post)
	}
	way := path(spans, post)
	if begin := []string{"tagwatch rescan", "SignalWithStartWorkflow:WatchTag", "HandleSignal:wake"}; len(way) < 6 || !slices.Equal(way[:3], begin) {
		t.Errorf("the way to the webhook is %q, want it to begin with %q", way, begin)
	}
	if end := []string{"StartActivity:Record", "RunActivity:Record", "webhook receiver"}; !slices.Equal(way[max(0, len(way)-3):], end) {
		t.Errorf("the way to the webhook is %q, want it to end with %q", way, end)
	}
	for _, s := range collector.Spans() {
		if strings.Contains(s.Attributes["temporalWorkflowID"], "sync-feed-scheduled") && strings.HasPrefix(s.Name, "RunWorkflow") && s.Parent != "" {
			t.Errorf("a scheduled run belongs to the trace of whoever made the schedule: %+v", s)
		}
		if text := fmt.Sprint(s); strings.Contains(text, secret) {
			t.Errorf("a span holds what is secret in an address: %s", text)
		}
	}
}

// hookOf waits for a notification of that type and returns how it came.
func (i *installation) hookOf(kind string) lab.Hook {
	i.t.Helper()
	var found lab.Hook
	i.eventually(kind+" arrives", func() bool {
		hooks := i.receiver.All()
		at := slices.IndexFunc(hooks, func(h lab.Hook) bool { return strings.Contains(string(h.Body), `"queueId":"`+kind+`"`) })
		if at >= 0 {
			found = hooks[at]
		}
		return at >= 0
	})
	return found
}

// path are the names of the spans from the root to this one.
func path(spans []lab.Span, to lab.Span) []string {
	names := []string{to.Name}
	for to.Parent != "" {
		at := slices.IndexFunc(spans, func(s lab.Span) bool { return s.ID == to.Parent })
		if at < 0 {
			return append(names, "(unknown)")
		}
		to = spans[at]
		names = append(names, to.Name)
	}
	slices.Reverse(names)
	return names
}
