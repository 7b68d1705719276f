package lab

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector receives traces as OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/),
// and keeps them.
type Collector struct {
	*Server

	mu    sync.Mutex
	spans []Span
	came  chan struct{} // closed and replaced when spans arrive
}

// Span is a span as a collector sees it.
type Span struct {
	Trace, ID, Parent string // hexadecimal
	Service, Name     string
	Attributes        map[string]string // those that are texts
	Links             []string          // traces of the spans that it is linked to
}

// NewCollector starts one, whose URL is for OTEL_EXPORTER_OTLP_ENDPOINT.
func NewCollector() (*Collector, error) {
	c := &Collector{came: make(chan struct{})}
	var err error
	c.Server, err = Serve(http.HandlerFunc(c.take))
	return c, err
}

func (c *Collector) take(w http.ResponseWriter, r *http.Request) {
	request, err := readSpans(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		service := attributesOf(resource.GetResource().GetAttributes())["service.name"]
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, spanOf(service, span))
			}
		}
	}
	close(c.came)
	c.came = make(chan struct{})
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func readSpans(r *http.Request) (*collector.ExportTraceServiceRequest, error) {
	if r.URL.Path != "/v1/traces" {
		return nil, fmt.Errorf("no traces at %s", r.URL.Path)
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = unpacked
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	request := &collector.ExportTraceServiceRequest{}
	return request, proto.Unmarshal(content, request)
}

func spanOf(service string, span *trace.Span) Span {
	return Span{Trace: hex.EncodeToString(span.GetTraceId()), ID: hex.EncodeToString(span.GetSpanId()),
		Parent: hex.EncodeToString(span.GetParentSpanId()), Service: service, Name: span.GetName(),
		Attributes: attributesOf(span.GetAttributes()), Links: linksOf(span.GetLinks())}
}

func linksOf(links []*trace.Span_Link) []string {
	var traces []string
	for _, link := range links {
		traces = append(traces, hex.EncodeToString(link.GetTraceId()))
	}
	return traces
}

func attributesOf(pairs []*common.KeyValue) map[string]string {
	attributes := map[string]string{}
	for _, pair := range pairs {
		attributes[pair.GetKey()] = pair.GetValue().GetStringValue()
	}
	return attributes
}

// Spans are those received so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Trace waits until a trace has spans of all those names, and returns all of its
// spans so far, also with an error.
func (c *Collector) Trace(ctx context.Context, id string, names ...string) ([]Span, error) {
	for {
		c.mu.Lock()
		came := c.came
		c.mu.Unlock()
		found := slices.DeleteFunc(c.Spans(), func(s Span) bool { return s.Trace != id })
		if !slices.ContainsFunc(names, func(name string) bool { return !named(found, name) }) {
			return found, nil
		}
		select {
		case <-came:
		case <-ctx.Done():
			return found, fmt.Errorf("wait for %q in trace %s: %w", names, id, ctx.Err())
		case <-time.After(time.Minute):
			return found, fmt.Errorf("no further span within a minute; waited for %q in trace %s", names, id)
		}
	}
}

func named(spans []Span, name string) bool {
	return slices.ContainsFunc(spans, func(s Span) bool { return s.Name == name })
}
