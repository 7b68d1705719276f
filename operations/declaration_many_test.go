package operations

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/subscription"
)

// TestSubscribeToMany: pages grow to what one request may name while they are quick, those
// of a registry that is slow stay small.
func TestSubscribeToMany(t *testing.T) { onEach(t, subscribeToMany) }

func subscribeToMany(t *testing.T, install install) {
	const tags = 1000
	var document strings.Builder
	document.WriteString("owner: web\nsubscriptions:\n- tags:\n")
	for n := range tags {
		fmt.Fprintf(&document, "  - ghcr.io/web/app:%d\n", n)
	}
	for _, test := range []struct {
		name  string
		slow  bool
		pages []int
	}{
		{"quick", false, []int{10, 20, 40, 80, 160, 200, 200, 200, 90}},
		{"slow", true, slices.Repeat([]int{10}, tags/10)},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := install(t)
			if test.slow {
				i.takes = quickPage
			}
			i.refuses = "ghcr.io/web/app:500"
			done, failed, err := i.apply(document.String(), pruning)
			if err != nil || done != tags-1 || failed != 1 {
				t.Errorf("%d done, %d failed, %v", done, failed, err)
			}
			if !slices.Equal(i.pages, test.pages) {
				t.Errorf("pages of %v, want %v", i.pages, test.pages)
			}
			stored, err := i.Subscriptions(t.Context(), subscription.Filter{ActiveOnly: true})
			targets := map[string]bool{}
			for _, s := range stored {
				targets[s.Target.String()] = true
			}
			if err != nil || len(targets) != tags-1 {
				t.Errorf("subscribed to %d tags, %v", len(targets), err)
			}
		})
	}
}

// TestSubscribeByRegistry: a registry that is slow has no part in the pages of another one.
func TestSubscribeByRegistry(t *testing.T) { onEach(t, subscribeByRegistry) }

func subscribeByRegistry(t *testing.T, install install) {
	i := install(t)
	var tags []string
	for n := range 40 {
		tags = append(tags, fmt.Sprintf("ghcr.io/web/app:%d", n), fmt.Sprintf("quay.io/web/app:%d", n))
	}
	i.mustApply("owner: web\nsubscriptions: [{tags: [" + strings.Join(tags, ", ") + "]}]")
	if want := []int{10, 20, 10, 10, 20, 10}; !slices.Equal(i.pages, want) {
		t.Errorf("pages of %v, want %v", i.pages, want)
	}
}
