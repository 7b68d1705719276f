package operations

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// TestPruneOfMany: tags end in pages, each with its own entry in the audit trail and its own
// wake-up; one that ended meanwhile is left out.
func TestPruneOfMany(t *testing.T) { onEach(t, pruneOfMany) }

func pruneOfMany(t *testing.T, install install) {
	const tags = 2*endedPage + 30
	i := install(t)
	var document strings.Builder
	document.WriteString("owner: web\nsources: [{name: list, kind: file, paths: [/srv/images.txt]}]\nsubscriptions:\n- tags:\n")
	for n := range tags {
		fmt.Fprintf(&document, "  - ghcr.io/web/app:%d\n", n)
	}
	i.mustApply(document.String())
	plan, err := i.plan("owner: web\n", pruning)
	if err != nil {
		t.Fatal(err)
	}
	meanwhile, err := image.ParseTarget("ghcr.io/web/app:7")
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Store.UnsubscribeAll(t.Context(), []subscription.End{{Target: meanwhile}}, noon); err != nil {
		t.Fatal(err)
	}
	i.writes, i.woken = 0, nil
	round, err := i.round(plan)
	if err != nil || round.More || len(round.Applied) != tags+1 {
		t.Fatalf("%d applied, more %t, %v", len(round.Applied), round.More, err)
	}
	if i.writes != 4 {
		t.Errorf("%d writes, want one for each page of tags and one for the source", i.writes)
	}
	var woken, ended, want []string
	for n := range tags {
		want = append(want, fmt.Sprintf("ghcr.io/web/app:%d", n))
	}
	for _, doing := range i.woken {
		if tag, ok := strings.CutPrefix(doing, "wake ghcr.io/"); ok {
			woken = append(woken, "ghcr.io/"+tag)
		}
	}
	entries, err := i.Audit(t.Context(), audit.Filter{Limit: 10 * tags})
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Action == audit.SubscriptionEnd && entry.Actor.Name == "ann" {
			ended = append(ended, entry.Subject)
		}
	}
	slices.Sort(want)
	slices.Sort(woken)
	slices.Sort(ended)
	if diff := cmp.Diff(want, woken); diff != "" {
		t.Errorf("woken (-want +got)\n%s", diff)
	}
	want = slices.DeleteFunc(want, func(tag string) bool { return tag == meanwhile.String() })
	if diff := cmp.Diff(want, ended); diff != "" {
		t.Errorf("ends in the audit trail (-want +got)\n%s", diff)
	}
	if left, err := i.Subscriptions(t.Context(), subscription.Filter{ActiveOnly: true}); err != nil || len(left) > 0 {
		t.Errorf("%d subscriptions left, %v", len(left), err)
	}
}
