package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/adapters/page"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// boundedReader reads what the status page shows to a token that is limited to some tags,
// for one request. It embeds nothing, so that no method of the page's Reader shows more
// because it was forgotten here.
type boundedReader struct {
	all    pageReader
	bounds token.Bounds
	// tags are the watched tags within the bounds, subjects what notifications within them
	// are about, once they are read.
	tags, subjects []string
}

// within implements Within of page.Options.
func (p pageReader) within(bounds token.Bounds) page.Reader {
	return &boundedReader{all: p, bounds: bounds}
}

// tagsAtOnce is how many tags are read in one step.
const tagsAtOnce = 5000

func (b *boundedReader) visibleTags(ctx context.Context) ([]string, error) {
	if b.tags != nil {
		return b.tags, nil
	}
	visible, filter := []string{}, subscription.TargetFilter{Limit: tagsAtOnce}
	for {
		found, err := b.all.Targets(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, each := range found {
			if filter.After = each.String(); b.bounds.Include(each) {
				visible = append(visible, each.String())
			}
		}
		if len(found) < tagsAtOnce {
			b.tags = visible
			return visible, nil
		}
	}
}

func (b *boundedReader) visibleSubjects(ctx context.Context) ([]string, error) {
	if b.subjects != nil {
		return b.subjects, nil
	}
	found, err := b.all.NotificationSubjects(ctx)
	if err != nil {
		return nil, err
	}
	b.subjects = []string{}
	for _, each := range found {
		if b.bounds.IncludeSubject(each) {
			b.subjects = append(b.subjects, each)
		}
	}
	return b.subjects, nil
}

// Installation implements page.Reader: it counts what its links lead to.
func (b *boundedReader) Installation(ctx context.Context) (page.Installation, error) {
	whole, err := b.all.Installation(ctx)
	if err != nil {
		return page.Installation{}, err
	}
	part := page.Installation{Part: true, FeedBuilt: whole.FeedBuilt, FeedHeld: whole.FeedHeld, FeedFailing: whole.FeedFailing, FeedConditions: whole.FeedConditions}
	for number, filter := range map[*int]watch.OverviewFilter{
		&part.Pass: {Status: string(policy.Pass)}, &part.Fail: {Status: string(policy.Fail)}, &part.NotEvaluated: {Status: watch.NotEvaluated},
		&part.FailingTags: {Failing: true}, &part.NotCovered: {Uncovered: true},
	} {
		filter.Limit = 1
		if _, *number, err = b.Overview(ctx, filter); err != nil {
			return page.Installation{}, err
		}
	}
	subjects, err := b.visibleSubjects(ctx)
	if err != nil {
		return page.Installation{}, err
	}
	deliveries, err := b.all.DeliveriesAbout(ctx, subjects)
	part.PendingDeliveries, part.FailedDeliveries = deliveries[delivery.Pending], deliveries[delivery.Failed]
	return part, err
}

// Overview implements page.Reader.
func (b *boundedReader) Overview(ctx context.Context, filter watch.OverviewFilter) (rows []watch.Summary, total int, err error) {
	if filter.Among, err = b.visibleTags(ctx); err != nil {
		return nil, 0, err
	}
	return b.all.Overview(ctx, filter)
}

// Histories implements page.Reader.
func (b *boundedReader) Histories(ctx context.Context, targets []image.Target) (map[image.Target][]watch.CountsAt, error) {
	return b.all.Histories(ctx, b.visible(targets))
}

// Running implements page.Reader.
func (b *boundedReader) Running(ctx context.Context, targets []image.Target) (map[image.Target]*workload.Running, error) {
	return b.all.Running(ctx, b.visible(targets))
}

func (b *boundedReader) visible(targets []image.Target) (visible []image.Target) {
	for _, each := range targets {
		if b.bounds.Include(each) {
			visible = append(visible, each)
		}
	}
	return visible
}

// hidden is the error for what is outside of the bounds: the same as for what there is not.
func hidden(name any) error { return fmt.Errorf("%v: %w", name, errkind.NotFound) }

// View implements page.Reader.
func (b *boundedReader) View(ctx context.Context, target image.Target) (watch.RecordView, error) {
	if !b.bounds.Include(target) {
		return watch.RecordView{}, hidden(target)
	}
	return b.all.View(ctx, target)
}

// Summary implements page.Reader.
func (b *boundedReader) Summary(ctx context.Context, target image.Target) (watch.Summary, error) {
	if !b.bounds.Include(target) {
		return watch.Summary{}, hidden(target)
	}
	return b.all.Summary(ctx, target)
}

// Scores implements page.Reader: they are about vulnerabilities, not about tags.
func (b *boundedReader) Scores(ctx context.Context, cves []string) (map[string]vuln.Score, error) {
	return b.all.Scores(ctx, cves)
}

// SBOM implements page.Reader, for the digest of a tag that was read here.
func (b *boundedReader) SBOM(ctx context.Context, digest image.Digest) ([]byte, error) {
	return b.all.SBOM(ctx, digest)
}

// Unreadable implements page.Reader, for the digest of a tag that was read here.
func (b *boundedReader) Unreadable(ctx context.Context, digest image.Digest) ([]sbom.Unreadable, error) {
	return b.all.Unreadable(ctx, digest)
}

// FindVulnerability implements page.Reader.
func (b *boundedReader) FindVulnerability(ctx context.Context, id string, c page.Cursor) ([]page.Place, error) {
	among, err := b.visibleTags(ctx)
	if err != nil {
		return nil, err
	}
	return b.all.vulnerablePlaces(ctx, id, c, among)
}

// FindPackage implements page.Reader.
func (b *boundedReader) FindPackage(ctx context.Context, query page.PackageQuery, c page.Cursor) ([]page.Place, error) {
	among, err := b.visibleTags(ctx)
	if err != nil {
		return nil, err
	}
	return b.all.packagePlaces(ctx, query, c, among)
}

// NotificationPage implements page.Reader.
func (b *boundedReader) NotificationPage(ctx context.Context, filter page.NotificationFilter) ([]page.Notification, error) {
	subjects, err := b.visibleSubjects(ctx)
	if err != nil {
		return nil, err
	}
	return b.all.notifications(ctx, filter, subjects)
}

// NotificationByID implements page.Reader. A part of an id that several have is not found:
// some of them may be outside.
func (b *boundedReader) NotificationByID(ctx context.Context, id string) (notification.Notification, error) {
	found, err := b.all.NotificationByID(ctx, id)
	if errors.Is(err, errkind.Conflict) || err == nil && !b.bounds.IncludeSubject(found.Subject) {
		return notification.Notification{}, hidden("notification")
	}
	return found, err
}

// DeliveriesOf implements page.Reader.
func (b *boundedReader) DeliveriesOf(ctx context.Context, notification string) ([]delivery.Delivery, error) {
	subjects, err := b.visibleSubjects(ctx)
	if err != nil {
		return nil, err
	}
	return b.all.Deliveries(ctx, store.DeliveryFilter{Notification: notification, Subjects: subjects})
}

// DeliveryPage implements page.Reader. A page behind a delivery that is outside is not
// found, as behind one that there is not.
func (b *boundedReader) DeliveryPage(ctx context.Context, filter page.DeliveryFilter) ([]delivery.Delivery, error) {
	subjects, err := b.visibleSubjects(ctx)
	if err != nil {
		return nil, err
	}
	if filter.Before > 0 {
		before, err := b.all.Deliveries(ctx, store.DeliveryFilter{IDs: []int64{filter.Before}, Subjects: subjects})
		if err != nil || len(before) == 0 {
			return nil, err
		}
	}
	return b.all.Deliveries(ctx, store.DeliveryFilter{Endpoint: filter.Endpoint, State: filter.State, Before: filter.Before, Limit: filter.Limit, Subjects: subjects})
}

// Feed implements page.Reader: the data is the same for everybody.
func (b *boundedReader) Feed(ctx context.Context) (databuild.Feed, error) { return b.all.Feed(ctx) }

// RepositoryPage implements page.Reader.
func (b *boundedReader) RepositoryPage(ctx context.Context, c page.Cursor) ([]page.Repository, error) {
	return b.all.repositories(ctx, c, func(r taglist.Repository) bool { return b.bounds.IncludeRepository(r.Name) })
}

// Audit implements page.Reader.
func (b *boundedReader) Audit(ctx context.Context, filter audit.Filter) ([]audit.Entry, error) {
	var visible []audit.Entry
	for wanted := filter.Limit; ; {
		filter.Limit = tagsAtOnce
		found, err := b.all.Audit(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, each := range found {
			if filter.Before = each.ID; each.Action.AboutTags() && b.bounds.IncludeSubject(each.Subject) {
				visible = append(visible, each)
			}
			if len(visible) == wanted {
				return visible, nil
			}
		}
		if len(found) < tagsAtOnce {
			return visible, nil
		}
	}
}

// What is about the whole installation.

// Endpoints implements page.Reader.
func (b *boundedReader) Endpoints(context.Context) ([]endpoint.Endpoint, error) {
	return nil, page.ErrWhole
}

// Backlog implements page.Reader.
func (b *boundedReader) Backlog(context.Context, string) (delivery.Backlog, error) {
	return delivery.Backlog{}, page.ErrWhole
}

// DeliveryCounts implements page.Reader.
func (b *boundedReader) DeliveryCounts(context.Context, string) (map[delivery.State]int, error) {
	return nil, page.ErrWhole
}

// GivenUp implements page.Reader.
func (b *boundedReader) GivenUp(context.Context, time.Time) (map[string]delivery.GivenUp, error) {
	return nil, page.ErrWhole
}

// RegistryStates implements page.Reader.
func (b *boundedReader) RegistryStates(context.Context) ([]polling.RegistryState, error) {
	return nil, page.ErrWhole
}

// SourcePage implements page.Reader.
func (b *boundedReader) SourcePage(context.Context, page.Cursor) ([]page.Source, error) {
	return nil, page.ErrWhole
}

// SourceByName implements page.Reader.
func (b *boundedReader) SourceByName(context.Context, string) (page.Source, []page.Reference, error) {
	return page.Source{}, nil, page.ErrWhole
}

// BundlePage implements page.Reader.
func (b *boundedReader) BundlePage(context.Context, page.Cursor) ([]policy.StoredBundle, error) {
	return nil, page.ErrWhole
}

// Bundle implements page.Reader.
func (b *boundedReader) Bundle(context.Context, string) (policy.StoredBundle, error) {
	return policy.StoredBundle{}, page.ErrWhole
}

// BundleVersions implements page.Reader.
func (b *boundedReader) BundleVersions(context.Context, string) ([]policy.BundleVersion, error) {
	return nil, page.ErrWhole
}
