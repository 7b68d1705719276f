// Package tracing sends traces to an OpenTelemetry collector, where one is
// configured by OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT and
// the others of https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
// Without an endpoint nothing is recorded and nothing is sent.
//
// A workflow of Tagwatch lives as long as what it watches, and a trace of that
// length is useless. So each round of a workflow is a trace: that of the signal or
// update that caused it, or its own.
package tracing

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Tracing makes spans. Its zero value and nil make none.
type Tracing struct {
	provider *sdktrace.TracerProvider // nil without an endpoint
}

// Open reads OpenTelemetry's variables. A service name in OTEL_SERVICE_NAME or
// OTEL_RESOURCE_ATTRIBUTES replaces the given one. The collector need not be
// there yet.
func Open(ctx context.Context, service, version string) (*Tracing, error) {
	if !configured() {
		return &Tracing{}, nil
	}
	exporter, err := newExporter(ctx)
	if err != nil {
		return nil, err
	}
	described, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", service), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w: %w", errkind.Invalid, err)
	}
	return &Tracing{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described))}, nil
}

// configured reports whether the environment names a collector.
func configured() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

func newExporter(ctx context.Context) (*otlptrace.Exporter, error) {
	switch protocol := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf"); protocol {
	case "http/protobuf":
		return otlptracehttp.New(ctx)
	case "grpc":
		return otlptracegrpc.New(ctx)
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL %q is not one of http/protobuf, grpc: %w", protocol, errkind.Invalid)
	}
}

// On reports whether spans are sent anywhere.
func (t *Tracing) On() bool { return t != nil && t.provider != nil }

// Tracer makes spans, which are not sent where tracing is off.
func (t *Tracing) Tracer() trace.Tracer {
	if !t.On() {
		return noop.Tracer{}
	}
	return t.provider.Tracer("github.com/tagwatch/tagwatch")
}

// Close sends what has not been sent yet.
func (t *Tracing) Close(ctx context.Context) error {
	if !t.On() {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
