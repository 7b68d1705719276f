package packages_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/packages"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// latest asks for one package and returns its latest version.
func latest(t *testing.T, registries *packages.Registries, name string) string {
	t.Helper()
	feed, err := registries.NPM(t.Context(), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	return feed.Packages[name].Latest
}

func check(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestFreshAnswersAreRemembered(t *testing.T) {
	t.Parallel()
	registry := serve(t, map[string]string{"/lodash": abbreviated("lodash", "1", "1")})
	registries := open(t, packages.Options{NPM: registry.URL})
	for range 2 {
		check(t, "latest", []string{latest(t, registries, "lodash"), latest(t, registries, "nowhere")}, []string{"1", ""})
	}
	check(t, "requests", registry.asked(), []string{"GET /lodash", "GET /nowhere"})
}

func TestOldAnswersAreAskedForWithTheirETag(t *testing.T) {
	t.Parallel()
	registry := serve(t, map[string]string{"/lodash": abbreviated("lodash", "1", "1")})
	registries := open(t, packages.Options{NPM: registry.URL, Fresh: time.Nanosecond})
	got := []string{latest(t, registries, "lodash"), latest(t, registries, "lodash"), latest(t, registries, "new")}
	first := registry.asked()
	if len(first) != 3 || first[1] == first[0] {
		t.Errorf("requests: %q, want the second with an ETag", first)
	}
	registry.change(map[string]string{"/lodash": abbreviated("lodash", "1.1", "1", "1.1"), "/new": abbreviated("new", "2", "2")}, nil)
	got = append(got, latest(t, registries, "lodash"), latest(t, registries, "new"))
	check(t, "latest", got, []string{"1", "1", "", "1.1", "2"})
	check(t, "requests", registry.asked(), []string{first[1], "GET /new"})
}

// While the registry fails, what it said serves on for a while.
func TestStaleAnswers(t *testing.T) {
	t.Parallel()
	for name, stale := range map[string]time.Duration{"within the time": time.Hour, "after it": time.Nanosecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := serve(t, map[string]string{"/lodash": abbreviated("lodash", "1", "1")})
			registries := open(t, packages.Options{NPM: registry.URL, Fresh: time.Nanosecond, Stale: stale})
			latest(t, registries, "lodash")
			registry.change(nil, status(http.StatusBadGateway))
			feed, err := registries.NPM(t.Context(), []string{"lodash"})
			if stale == time.Hour && (err != nil || feed.Packages["lodash"].Latest != "1") {
				t.Errorf("feed %v, error %v; want what was said before", feed, err)
			}
			if stale != time.Hour && (feed != nil || !errors.Is(err, errkind.Unavailable)) {
				t.Errorf("feed %v, error %v; want none and errkind.Unavailable", feed, err)
			}
		})
	}
}

// The least recently used answers are forgotten.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	registry := serve(t, map[string]string{"/a": abbreviated("a", "1", "1"), "/b": abbreviated("b", "1", "1"), "/c": abbreviated("c", "1", "1")})
	registries := open(t, packages.Options{NPM: registry.URL, Memory: 600})
	for _, name := range []string{"a", "b", "a", "c", "a", "b"} {
		check(t, "latest of "+name, []string{latest(t, registries, name)}, []string{"1"})
	}
	check(t, "requests", registry.asked(), []string{"GET /a", "GET /b", "GET /c", "GET /b"})
}
