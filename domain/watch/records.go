package watch

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// RecordView is everything of the store that the record of a pass depends on.
type RecordView struct {
	State State
	// Watched reports that somebody is subscribed.
	Watched bool
	// Poll is how often the tag is checked; zero for the default.
	Poll          time.Duration
	Subscriptions []subscription.Subscription
	Endpoints     []endpoint.Endpoint
	// Build, Matcher and Bundle are what an outcome would be made from now.
	Build   string
	Matcher vuln.Matcher
	Bundle  string // hash of the active bundle; "" without any
}

// RepositoryView is everything of the store that the record of a listing
// depends on.
type RepositoryView struct {
	Repository Repository
	State      RepositoryState
	Endpoints  []endpoint.Endpoint
	// Brought are the active subscriptions that the repository brought, by
	// target; read only if it is Stale.
	Brought []subscription.Subscription
}

// SubscriptionFilter selects subscriptions; zero fields select all.
type SubscriptionFilter struct {
	Target     *image.Target
	Repository *image.Repository // that brought them
	Type       notification.Type
	ActiveOnly bool
}

// TargetFilter selects targets with an active subscription, in order of their
// text; zero fields select all.
type TargetFilter struct {
	Registry   string
	Repository *image.Repository
	Reference  *image.Reference // on every platform
	Unobserved bool             // never checked
	After      string           // text of the last target of the page before
	Limit      int              // zero for no limit
}

// Check is one tag in a poll.
type Check struct {
	Target image.Target
	// Seen is the digest that the registry last answered with; empty before the
	// first check.
	Seen image.Digest
	// Recorded is the digest that the tag's watcher recorded last, or "" before it
	// recorded one; Failing reports that it has a problem with finding the next one.
	Recorded image.Digest
	Failing  bool
	Poll     time.Duration // zero for the default
	Next     time.Time
	// Answered is when the registry last answered; zero where it did not. Every is
	// the interval that applies.
	Answered time.Time
	Every    time.Duration
}

// Moved reports whether the tag's watcher has something to do since the check before.
// What counts is what it recorded: it may have found the move by itself, or have
// been woken in vain because a cache still gave it the earlier answer.
func (l Check) Moved(before Check) bool {
	switch {
	case l.Answered.IsZero(), l.Seen != "" && l.Seen == before.Recorded && !before.Failing:
		return false
	case l.Seen != before.Seen:
		return true
	}
	return l.Seen != "" && before.Recorded != "" && !before.Failing
}

// Image is what the store knows of an image without its documents.
type Image struct {
	Digest   image.Digest
	ImageID  string
	Analyzer string // that made the inventory or failed
	// Problem is why the image cannot be analyzed; nil when it is.
	Problem         *Problem
	Analyzed        time.Time
	Packages, Files int
}

// StoredGroup is a group of packages as the store keeps it, once for all images.
type StoredGroup struct {
	ID          int64
	Fingerprint string
	Document    []byte
	Keys        []string
}

// Advance moves the store to a build: the findings that are staged for it
// replace the old ones of their groups, in one transaction.
type Advance struct {
	From, To string // builds
	// FromEngine is the matcher whose findings are replaced, Matcher the one that
	// found the staged ones.
	FromEngine, Matcher vuln.Matcher
	// Leave is what From becomes; "" for Previous.
	Leave BuildState
	// Watermark is the largest id of a group that was considered.
	Watermark int64
	// Scores are the EPSS scores of To.
	Scores []vuln.Score
	// Coverage tells of the distributions of all images whether To covers them.
	Coverage map[vuln.Distribution]vuln.Coverage
}

// Moved counts what an Advance came to.
type Moved struct {
	Matched int // groups that were matched again
	Changed int // of them with other findings than before
}

// Bundle is a stored policy bundle.
type Bundle struct {
	ID       string
	Name     string
	Hash     string
	Document []byte
	Active   bool
	Created  time.Time
	Updated  time.Time
}

// DueDelivery is a delivery with what it delivers.
type DueDelivery struct {
	Delivery     delivery.Delivery
	Notification notification.Notification
}

// Backlog is what waits for an endpoint.
type Backlog struct {
	Pending int
	Next    time.Time // when the next attempt is due; zero without any
	Oldest  time.Time // creation of the oldest
}

// Pruned counts what was removed because nobody will ask for it any more.
type Pruned struct {
	Images        int64
	Groups        int64
	Notifications int64
	// GivenUp are deliveries whose time was long over at an endpoint that takes
	// nothing.
	GivenUp int64
}
