package page

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/overload"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Reader is what the page reads from.
type Reader interface {
	Installation(context.Context) (Installation, error)
	Overview(context.Context, watch.OverviewFilter) (page []watch.Summary, total int, err error)
	Histories(context.Context, []image.Target) (map[image.Target][]watch.CountsAt, error)
	// Running is what the workloads of tags run, by tag; a tag without any is missing.
	Running(context.Context, []image.Target) (map[image.Target]*workload.Running, error)
	View(context.Context, image.Target) (watch.RecordView, error)
	// Summary is the state of a tag without its documents; errkind.NotFound if it is not
	// watched.
	Summary(context.Context, image.Target) (watch.Summary, error)
	// Scores are the EPSS scores of CVEs, by the id as it is given.
	Scores(ctx context.Context, cves []string) (map[string]vuln.Score, error)
	SBOM(context.Context, image.Digest) ([]byte, error)
	// FindVulnerability and FindPackage list where something is, by tag and package.
	FindVulnerability(ctx context.Context, id string, c Cursor) ([]Place, error)
	FindPackage(context.Context, PackageQuery, Cursor) ([]Place, error)
	// Unreadable are the files of an image that could not be read for their
	// packages; errkind.NotFound for an image without a record.
	Unreadable(context.Context, image.Digest) ([]sbom.Unreadable, error)
	// NotificationPage lists notifications, the newest first.
	NotificationPage(context.Context, NotificationFilter) ([]Notification, error)
	// NotificationByID is one of them; errkind.NotFound without.
	NotificationByID(ctx context.Context, id string) (notification.Notification, error)
	DeliveriesOf(ctx context.Context, notification string) ([]delivery.Delivery, error)
	Endpoints(context.Context) ([]endpoint.Endpoint, error)
	Backlog(ctx context.Context, endpoint string) (delivery.Backlog, error)
	DeliveryCounts(ctx context.Context, endpoint string) (map[delivery.State]int, error)
	// GivenUp sums up, for each endpoint, what was given up since that time.
	GivenUp(ctx context.Context, since time.Time) (map[string]delivery.GivenUp, error)
	DeliveryPage(context.Context, DeliveryFilter) ([]delivery.Delivery, error)
	RegistryStates(context.Context) ([]polling.RegistryState, error)
	Feed(context.Context) (databuild.Feed, error)
	// RepositoryPage, SourcePage and BundlePage list by name.
	RepositoryPage(context.Context, Cursor) ([]Repository, error)
	SourcePage(context.Context, Cursor) ([]Source, error)
	// SourceByName is a source with all of its references; errkind.NotFound without.
	SourceByName(ctx context.Context, name string) (Source, []Reference, error)
	// BundlePage leaves out the documents.
	BundlePage(context.Context, Cursor) ([]policy.StoredBundle, error)
	Bundle(ctx context.Context, id string) (policy.StoredBundle, error)
	// BundleVersions lists the last one first.
	BundleVersions(ctx context.Context, id string) ([]policy.BundleVersion, error)
	// Audit lists changes, the newest first.
	Audit(context.Context, audit.Filter) ([]audit.Entry, error)
}

type readingKey struct{}

// reading is what a request reads from.
type reading struct {
	Reader
	whole bool // it may see the whole installation
}

func readingOf(ctx context.Context) reading {
	found, _ := ctx.Value(readingKey{}).(reading)
	return found
}

// Installation is the whole installation in a few numbers, or the part of it that a reader
// may see.
type Installation struct {
	// Part reports that it is one: endpoints are not in it.
	Part                     bool
	Pass, Fail, NotEvaluated int
	FailingTags              int
	NotCovered               int // tags of a distribution that the data does not cover
	PendingDeliveries        int
	FailedDeliveries         int
	Endpoints                map[delivery.Health]int
	FeedBuilt                time.Time // zero without data
	FeedHeld, FeedFailing    bool
	FeedConditions           int // that its current data is in
	// NotApplied is why the folder of documents cannot be applied; nil if it can.
	NotApplied *condition.Problem
	Overloads  []overload.Overload
}

// Tags is the number of watched tags.
func (o Installation) Tags() int { return o.Pass + o.Fail + o.NotEvaluated }

// UnhealthyEndpoints are those that do not get everything.
func (o Installation) UnhealthyEndpoints() int {
	return o.Endpoints[delivery.HealthFailing] + o.Endpoints[delivery.HealthGivingUp] + o.Endpoints[delivery.HealthDisabled]
}

// NotificationFilter selects notifications.
type NotificationFilter struct {
	Before  int64 // Seq; 0 for the newest
	Type    notification.Type
	Subject string
	Limit   int
}

// Notification is a notification with its place in their order.
type Notification struct {
	Seq int64
	notification.Notification
}
