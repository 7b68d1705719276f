package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/adapters/page"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// FindVulnerability implements page.Reader.
func (p pageReader) FindVulnerability(ctx context.Context, id string, c page.Cursor) ([]page.Place, error) {
	return p.vulnerablePlaces(ctx, id, c, nil)
}

// vulnerablePlaces are those of some tags; nil for all.
func (p pageReader) vulnerablePlaces(ctx context.Context, id string, c page.Cursor, among []string) ([]page.Place, error) {
	found, err := p.VulnerablePlaces(ctx, id, store.PlacePage{After: c.After, Before: c.Before, Among: among, Limit: c.Limit})
	places := make([]page.Place, len(found))
	for i, each := range found {
		first := each.Findings[0]
		places[i] = page.Place{Key: each.Key(), Target: each.Target, Digest: each.Digest, Package: first.Package, More: len(each.Findings) - 1,
			ID: first.ID, Severity: first.Severity, Fix: first.Fix, Older: each.Older, RunBy: workload.Names(each.Workloads)}
	}
	return places, err
}

// FindPackage implements page.Reader.
func (p pageReader) FindPackage(ctx context.Context, query page.PackageQuery, c page.Cursor) ([]page.Place, error) {
	return p.packagePlaces(ctx, query, c, nil)
}

// packagePlaces are those of some tags; nil for all.
func (p pageReader) packagePlaces(ctx context.Context, query page.PackageQuery, c page.Cursor, among []string) ([]page.Place, error) {
	found, err := p.PackagePlaces(ctx, query.Name, query.Selects, store.PlacePage{After: c.After, Before: c.Before, Among: among, Limit: c.Limit})
	places := make([]page.Place, len(found))
	for i, each := range found {
		places[i] = page.Place{Key: each.Key(), Target: each.Target, Digest: each.Digest, Package: each.Packages[0], More: len(each.Packages) - 1,
			Older: each.Older, RunBy: workload.Names(each.Workloads)}
	}
	return places, err
}

// DeliveryPage implements page.Reader.
func (p pageReader) DeliveryPage(ctx context.Context, filter page.DeliveryFilter) ([]delivery.Delivery, error) {
	return p.Deliveries(ctx, store.DeliveryFilter{Endpoint: filter.Endpoint, State: filter.State, Before: filter.Before, Limit: filter.Limit})
}

// part is a page of a list that is in the order of its names and read as a whole.
func part[T any](c page.Cursor, all []T, name func(T) string) []T {
	var chosen []T
	for _, each := range all {
		if strings.Compare(name(each), c.After) > 0 && (c.Before == "" || strings.Compare(name(each), c.Before) < 0) {
			chosen = append(chosen, each)
		}
	}
	if c.Before != "" {
		return chosen[max(0, len(chosen)-c.Limit):]
	}
	return chosen[:min(len(chosen), c.Limit)]
}

// watchedTags counts what the overview lists.
func (p pageReader) watchedTags(ctx context.Context, filter watch.OverviewFilter) (int, error) {
	filter.Limit = 1
	_, total, err := p.Overview(ctx, filter)
	return total, err
}

// RepositoryPage implements page.Reader.
func (p pageReader) RepositoryPage(ctx context.Context, c page.Cursor) ([]page.Repository, error) {
	return p.repositories(ctx, c, func(taglist.Repository) bool { return true })
}

// repositories are those that a reader may see.
func (p pageReader) repositories(ctx context.Context, c page.Cursor, visible func(taglist.Repository) bool) ([]page.Repository, error) {
	all, err := p.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r taglist.Repository) bool { return !visible(r) })
	var rows []page.Repository
	for _, each := range part(c, all, func(r taglist.Repository) string { return r.Name.String() }) {
		stored, state, err := p.Repository(ctx, each.Name)
		if errors.Is(err, errkind.NotFound) {
			continue // it was unwatched meanwhile
		}
		if err != nil {
			return nil, err
		}
		row := page.Repository{Repository: stored, State: state}
		if row.Tags, err = p.watchedTags(ctx, watch.OverviewFilter{Repository: each.Name.String()}); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// SourcePage implements page.Reader.
func (p pageReader) SourcePage(ctx context.Context, c page.Cursor) ([]page.Source, error) {
	all, err := p.Sources(ctx)
	if err != nil {
		return nil, err
	}
	var rows []page.Source
	for _, each := range part(c, all, func(s source.Source) string { return s.Name }) {
		row, err := p.readSource(ctx, each.Name)
		if errors.Is(err, errkind.NotFound) {
			continue // it was removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (p pageReader) readSource(ctx context.Context, name string) (page.Source, error) {
	stored, state, err := p.Store.Source(ctx, name)
	if err != nil {
		return page.Source{}, err
	}
	tags, err := p.watchedTags(ctx, watch.OverviewFilter{Source: name})
	return page.Source{Source: stored.Disclosed(), State: state, Tags: tags}, err
}

// SourceByName implements page.Reader.
func (p pageReader) SourceByName(ctx context.Context, name string) (page.Source, []page.Reference, error) {
	found, err := p.readSource(ctx, name)
	if err != nil {
		return found, nil, err
	}
	watched, err := p.NamesInUse(ctx, found.State.Found)
	if err != nil {
		return found, nil, err
	}
	unresolved, err := p.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.Unresolved}, Resource: condition.Tag})
	if err != nil {
		return found, nil, err
	}
	problems := map[string]*condition.Problem{}
	for _, each := range condition.Confirmed(unresolved) {
		problems[each.Name] = condition.ProblemOf(each)
	}
	references := make([]page.Reference, len(found.State.Found))
	for i, each := range found.State.Found {
		references[i] = page.Reference{Found: each}
		if as, is := watched[source.Canonical(each.Target)]; is && each.Followed() {
			references[i].Watched, references[i].Problem = as, problems[as.String()]
		}
	}
	return found, references, nil
}

// BundlePage implements page.Reader.
func (p pageReader) BundlePage(ctx context.Context, c page.Cursor) ([]policy.StoredBundle, error) {
	all, err := p.Bundles(ctx)
	return part(c, all, func(b policy.StoredBundle) string { return b.ID }), err
}
