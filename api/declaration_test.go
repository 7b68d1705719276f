package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/remote"
)

// TestLargeDeclaration plans and applies over the network what is accepted without one: a
// document of ten thousand subscriptions, each with options of its own.
func TestLargeDeclaration(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const tags = 10_000
		var document strings.Builder
		document.WriteString("owner: web\nsubscriptions:\n")
		var stored []subscription.Subscription
		for n := range tags {
			target := f.target(fmt.Sprintf("registry.example.com/team-%d/a-service-of-some-name:release-%d", n%100, n))
			fmt.Fprintf(&document, "- tags:\n  - %s\n  types:\n  - tag_update\n  interval: 5m\n  options:\n    min_severity: High\n    labels:\n      team: team-%d\n      service: a-service-of-some-name\n", target, n%100)
			stored = append(stored, subscription.Subscription{Target: target, Type: notification.TagUpdate, Created: now})
		}
		address, err := url.Parse(f.url)
		f.must(err)
		server, err := remote.New(remote.Options{Server: address, Token: f.tokens["admin"]})
		f.must(err)
		there := &operations.System{Remote: server}
		request := operations.Declaration{Files: []operations.DeclarationFile{{Name: "many.yaml", Content: document.String()}}}
		plan, err := operations.PlanDeclaration.Run(t.Context(), there, request)
		if err != nil || plan.Count(declaration.Create) != tags {
			t.Fatalf("%d to create of a document of %d bytes, %v", plan.Count(declaration.Create), document.Len(), err)
		}
		f.must(f.store.Subscribe(t.Context(), stored, 0, now))
		var made strings.Builder // by hand, as they are declared now
		made.WriteString("owner: web\nsubscriptions:\n- types: [tag_update]\n  tags:\n")
		for _, s := range stored {
			fmt.Fprintf(&made, "  - %s # %s\n", s.Target, strings.Repeat("about it ", 10))
		}
		request = operations.Declaration{Files: []operations.DeclarationFile{{Name: "many.yaml", Content: made.String()}}, Adopt: true}
		applied, err := operations.ApplyDeclaration.Run(t.Context(), there, operations.DeclarationToApply{Declaration: request})
		if err != nil || len(applied.Applied) != tags || made.Len() <= 1<<20 {
			t.Errorf("applied %d of a document of %d bytes, %v", len(applied.Applied), made.Len(), err)
		}
		owned := 0
		things, err := f.store.Things(t.Context())
		f.must(err)
		for _, thing := range things {
			if thing.Owner == "web" && thing.Watched != nil && thing.Watched.Target != (image.Target{}) {
				owned++
			}
		}
		if owned != tags {
			t.Errorf("%d tags belong to the document", owned)
		}
	})
}
