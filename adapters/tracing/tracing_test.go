package tracing_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/tracing"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/lab"
)

func TestOpenFollowsOpenTelemetrysVariables(t *testing.T) {
	const endpoint = "http://127.0.0.1:1"
	for _, test := range []struct {
		name string
		env  map[string]string
		on   bool
		err  error
	}{
		{"nothing set", nil, false, nil},
		{"an endpoint", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, true, nil},
		{"one for traces", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint}, true, nil},
		{"by gRPC", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, true, nil},
		{"switched off", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SDK_DISABLED": "true"}, false, nil},
		{"no traces", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_EXPORTER": "none"}, false, nil},
		{"a protocol that is none", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "smoke"}, false, errkind.Invalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			traces, err := tracing.Open(t.Context(), "test", "devel")
			if !errors.Is(err, test.err) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			if got := traces.On(); got != test.on {
				t.Errorf("on: %v, want %v", got, test.on)
			}
			if err := traces.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestKeptParent: a span that was kept as text is the parent of a later one, also
// in another process.
func TestKeptParent(t *testing.T) {
	collector, err := lab.NewCollector()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { collector.Close() })
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL())
	traces, err := tracing.Open(t.Context(), "test", "devel")
	if err != nil {
		t.Fatal(err)
	}
	ctx, found := traces.Tracer().Start(t.Context(), "found")
	kept := tracing.Parent(ctx)
	found.End()
	_, notified := traces.Tracer().Start(tracing.WithParent(context.Background(), kept), "notified")
	notified.End()
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := collector.Spans()
	if len(spans) != 2 || spans[1].Parent != spans[0].ID || spans[1].Trace != spans[0].Trace || spans[0].Service != "test" {
		t.Errorf("%+v", spans)
	}
}

// TestNoParent: what is not the text of a span changes nothing.
func TestNoParent(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "00", "00-00000000000000000000000000000000-0000000000000000-01", "\r\nx: y"} {
		if got := tracing.Parent(tracing.WithParent(t.Context(), text)); got != "" {
			t.Errorf("%q became %q", text, got)
		}
	}
}
