package tracing

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// header is the one of https://www.w3.org/TR/trace-context/.
const header = "traceparent"

// Parent is the span of the context as a text to store; "" without one.
func Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[header]
}

// WithParent continues the trace of a stored Parent. An invalid text leaves the
// context as it is.
func WithParent(ctx context.Context, parent string) context.Context {
	if parent == "" {
		return ctx
	}
	kept := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{header: parent})
	span := trace.SpanContextFromContext(kept)
	if !span.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, span)
}
