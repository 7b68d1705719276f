package declaration

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// ownerPattern is that of the schema.
var ownerPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// CheckOwner refuses a name of an owner that no document can have.
func CheckOwner(owner string) error {
	if !ownerPattern.MatchString(owner) {
		return fmt.Errorf("invalid name %q of an owner: expected up to 63 letters, digits, dots, underscores and hyphens, beginning with a letter or digit: %w", owner, errkind.Invalid)
	}
	return nil
}

// Export is the document that declares those things.
func Export(owner string, things []Thing) Document {
	d := Document{Owner: owner}
	byContent := map[string]int{}
	for _, t := range things {
		switch {
		case t.Endpoint != nil:
			d.Endpoints = append(d.Endpoints, EndpointOf(*t.Endpoint))
		case t.Bundle != nil:
			d.Policies = append(d.Policies, Policy{Bundle: t.Bundle.Document, Active: t.Bundle.Active})
		case t.Acceptance != nil:
			d.Acceptances = append(d.Acceptances, acceptanceOf(*t.Acceptance))
		case t.Repository != nil:
			d.Repositories = append(d.Repositories, RepositoryOf(*t.Repository))
		case t.Source != nil:
			d.Sources = append(d.Sources, SourceOf(*t.Source))
		case t.Watched != nil:
			for _, item := range t.Watched.items() {
				tags := item.Tags
				item.Tags = nil
				content := text(item)
				at, found := byContent[content]
				if !found {
					at, byContent[content] = len(d.Subscriptions), len(d.Subscriptions)
					d.Subscriptions = append(d.Subscriptions, item)
				}
				d.Subscriptions[at].Tags = append(d.Subscriptions[at].Tags, tags...)
			}
		}
	}
	return d
}

// items are one for each kind of options that the types have.
func (w Watched) items() (items []Subscription) {
	byOptions := map[string]int{}
	for _, t := range slices.Sorted(maps.Keys(w.Types)) {
		options := w.Types[t]
		at, found := byOptions[text(options)]
		if !found {
			at, byOptions[text(options)] = len(items), len(items)
			pin := options.Pin
			options.Pin = ""
			items = append(items, Subscription{Tags: []string{w.Target.Pinned(pin)}, Interval: Duration(w.Poll), Options: options})
		}
		items[at].Types = append(items[at].Types, t)
	}
	for i := range items {
		items[i].Types = typesShown(items[i].Types)
	}
	return items
}
