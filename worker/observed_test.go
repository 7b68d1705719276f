package main

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// TestObservedRegistry counts what is asked of a registry, and what came of it.
func TestObservedRegistry(t *testing.T) {
	t.Parallel()
	there, err := lab.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { there.Close() })
	built, err := lab.NewImage(lab.Debian(lab.Bookworm()...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := there.Push("shop/api:1", built); err != nil {
		t.Fatal(err)
	}
	registries, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := newMeters()
	observed := observedRegistry{registries, observer{seen, noop.Tracer{}}}
	for _, text := range []string{"shop/api:1", "shop/api:1", "shop/api:absent"} {
		reference, err := image.ParseReference(there.Host() + "/" + text)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = observed.Head(t.Context(), reference)
	}
	repository := image.Repository{Registry: there.Host(), Path: "shop/api"}
	for range observed.Tags(t.Context(), repository) {
		break // one that is not read to its end is counted, too
	}
	want := strings.ReplaceAll(`
# HELP tagwatch_registry_requests_total Questions to registries about tags.
# TYPE tagwatch_registry_requests_total counter
tagwatch_registry_requests_total{operation="head",outcome="NotFound",registry="HOST"} 1
tagwatch_registry_requests_total{operation="head",outcome="ok",registry="HOST"} 2
tagwatch_registry_requests_total{operation="list",outcome="ok",registry="HOST"} 1
`, "HOST", there.Host())
	if err := testutil.CollectAndCompare(seen.requests, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(&rateLimits{registries, seen.hosts}); n != 4 {
		t.Errorf("%d series, want three of the rate limit of one registry, and that of the settings", n)
	}
}
