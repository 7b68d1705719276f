package main

import (
	"context"
	"iter"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// observer measures and traces what the steps ask of the outside world. Spans
// hold names and counts, no addresses with queries, no bodies, no error texts.
type observer struct {
	meters *meters
	tracer trace.Tracer
}

// begin begins a span and a measurement. The caller ends both with the outcome.
func (o observer) begin(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, func(error) time.Duration) {
	start := time.Now()
	ctx, span := o.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return ctx, func(err error) time.Duration {
		if err != nil {
			span.SetStatus(codes.Error, kindOf(err))
			span.SetAttributes(attribute.String("error.type", kindOf(err)))
		}
		span.End()
		return time.Since(start)
	}
}

// observedRegistry is a registry under observation.
type observedRegistry struct {
	activities.Registry
	observer
}

func (r observedRegistry) ask(ctx context.Context, operation string, repository image.Repository) (context.Context, func(error)) {
	ctx, end := r.begin(ctx, "registry "+operation, attribute.String("server.address", repository.Registry),
		attribute.String("tagwatch.repository", repository.Path))
	return ctx, func(err error) {
		r.meters.requests.WithLabelValues(r.meters.hosts.of(repository.Registry), operation, outcomeOf(err)).Inc()
		r.meters.requestDuration.WithLabelValues(operation).Observe(end(err).Seconds())
	}
}

// Head implements activities.Registry.
func (r observedRegistry) Head(ctx context.Context, ref image.Reference) (image.Digest, error) {
	ctx, end := r.ask(ctx, "head", ref.Repository)
	digest, err := r.Registry.Head(ctx, ref)
	end(err)
	return digest, err
}

// Resolve implements activities.Registry.
func (r observedRegistry) Resolve(ctx context.Context, ref image.Reference, top image.Digest, platform image.Platform) (image.Resolved, error) {
	ctx, end := r.ask(ctx, "resolve", ref.Repository)
	resolved, err := r.Registry.Resolve(ctx, ref, top, platform)
	end(err)
	return resolved, err
}

// Form implements activities.Registry.
func (r observedRegistry) Form(ctx context.Context, repository image.Repository, digest image.Digest) (workload.Form, error) {
	ctx, end := r.ask(ctx, "form", repository)
	form, err := r.Registry.Form(ctx, repository, digest)
	end(err)
	return form, err
}

// Tags implements activities.Registry. A listing is over when its reader has seen
// enough.
func (r observedRegistry) Tags(ctx context.Context, repository image.Repository) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		ctx, end := r.ask(ctx, "list", repository)
		var failed error
		defer func() { end(failed) }()
		for page, err := range r.Registry.Tags(ctx, repository) {
			failed = err
			if !yield(page, err) {
				return
			}
		}
	}
}

// observedAnalyzer is an analyzer under observation.
type observedAnalyzer struct {
	activities.Analyzer
	observer
}

// Analyze implements activities.Analyzer.
func (a observedAnalyzer) Analyze(ctx context.Context, repository image.Repository, digest image.Digest, known activities.Known, report func(string)) (*sbom.Inventory, []byte, error) {
	ctx, end := a.begin(ctx, "analyze", attribute.String("tagwatch.repository", repository.String()), attribute.String("tagwatch.digest", string(digest)))
	inventory, document, err := a.Analyzer.Analyze(ctx, repository, digest, known, report)
	a.meters.analysisDuration.WithLabelValues(outcomeOf(err)).Observe(end(err).Seconds())
	return inventory, document, err
}

// observedMatcher is a matcher under observation.
type observedMatcher struct {
	activities.Matcher
	observer
}

// Match implements activities.Matcher.
func (m observedMatcher) Match(ctx context.Context, checksum string, groups []vuln.Group) ([][]vuln.GroupFinding, error) {
	ctx, end := m.begin(ctx, "match", attribute.Int("tagwatch.groups", len(groups)), attribute.String("tagwatch.build", checksum))
	lists, err := m.Matcher.Match(ctx, checksum, groups)
	m.meters.matchedGroups.Add(float64(len(lists)))
	m.meters.matchingDuration.WithLabelValues(outcomeOf(err)).Observe(end(err).Seconds())
	return lists, err
}
