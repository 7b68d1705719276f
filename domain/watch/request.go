package watch

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// SubscribeRequest asks to be notified of a target's transitions.
type SubscribeRequest struct {
	Target  image.Target
	Types   []notification.Type
	Options subscription.Options
	// Poll is how often the tag is checked; zero for the default.
	Poll time.Duration
	// Unverified skips the check the registry that otherwise refuses a tag
	// that does not exist or may not be read.
	Unverified bool
}

// SubscribeResult is what was stored.
type SubscribeResult struct {
	Types []notification.Type // that the target is subscribed to now
	// Resolved is what the tag points to; zero if it was not looked up.
	Resolved image.Resolved
	// Endpoints will be notified; none means that nobody is, so far.
	Endpoints []string
}

// UnsubscribeRequest ends subscriptions of a target.
type UnsubscribeRequest struct {
	Target image.Target
	Types  []notification.Type // none ends all
}

// AnalysisRequest asks for the analysis of an image, as seen by one watcher.
type AnalysisRequest struct {
	Target image.Target // under which the image can be pulled
	Digest image.Digest
	// Watcher is the id of the workflow to tell when the analysis is done.
	Watcher string
	// Again analyzes also what was analyzed or could not be.
	Force   bool
	Urgency Urgency
}

// Urgency orders the analyses that wait for a worker.
type Urgency int

const (
	// UrgentMoved is for a tag that points to another image than before: what is
	// known of it is out of date.
	UrgentMoved Urgency = iota
	// UrgentFirst is for a tag of which nothing is known yet.
	UrgentFirst
	// NotUrgent is for an image that is known: a newer analyzer checks it again.
	NotUrgent
)

// RecordRequest asks to record the outcome of a pass.
type RecordRequest struct {
	Target   image.Target
	Resolved image.Resolved
	// Problem is why the image cannot be analyzed or matched; nil when it is, or
	// when that is still to be done.
	Problem *Problem
}

// Poll is what one check a registry's due tags came to.
type Poll struct {
	Active  bool // false: no tag of this registry is watched any more
	Tags    int  // watched at this registry
	Checked int
	Moved   int
	Failed  int // checks that came to nothing
	// Wait is the time until the next tag is due, and Pause the least time until
	// another poll, whatever is signaled.
	Wait, Pause time.Duration
	Problem     *Problem
	// Unreachable is the condition of the registry, by this and earlier polls; nil if
	// it responds.
	Unreachable *Problem
	// Limited reports that the registry works and wants fewer requests.
	Limited bool
	// RateLimit is what the registry allowed the worker that checked.
	RateLimit RegistryRateLimit
}

// SyncRequest asks for a run of the feed's synchronization.
type SyncRequest struct {
	// File imports an archive from the worker's disk instead of asking the
	// source.
	File string
	// Release is the checksum of the build on hold that is to become current.
	Release string
	// Rollback is the checksum of the current build that the one before is to
	// replace.
	Rollback string
}

// Fetched is the outcome of asking the feed's source.
type Fetched struct {
	// Build is the one to advance to; nil when there is nothing new.
	Build *vuln.Build
	// Leave is what the current build becomes; "" for Previous.
	Leave BuildState
	// Held reports why a build is on hold.
	Held []string
	// Ended is the checksum of one that is not on hold any more, as the publisher
	// does not list it any more; "" without.
	Ended string
	// Refused is the checksum of what the publisher lists although a person
	// rejected it; "" if it lists something else.
	Refused string
	// Current is the checksum of the current build; "" without one.
	Current string
	// Rematch reports that the matcher changed, so that findings must be made anew
	// even from the current build.
	Rematch bool
}

// AdvanceRequest asks to move to a build.
type AdvanceRequest struct {
	Build vuln.Build
	// From is the checksum of the build that was current when this one was
	// judged; "" if there was none. From another, the move is not made.
	From string
	// Leave is what the one that was current becomes; "" for Previous.
	Leave BuildState
}

// Advanced is the outcome of moving to a build.
type Advanced struct {
	Build string // the current one
	// Superseded reports that nothing was moved: since the build was judged,
	// another has become current, beside which it may be older.
	Superseded bool
	Groups     int // package groups that were matched again
	Changed    int // of them with other findings than before
}

// Round is what one round of deliveries to an endpoint came to.
type Round struct {
	Active    bool // false: the endpoint is gone
	Delivered int
	Retried   int
	Failed    int
	Debounced int
	Pending   int
	Oldest    time.Time // creation of the oldest pending delivery
	Next      time.Time // when the next attempt is due; zero without any
	State     delivery.EndpointState
	GivenUp   delivery.GivenUp // within delivery.GivenUpSpan
}

// TestRequest asks to send a sample notification to an endpoint.
type TestRequest struct {
	Endpoint string
	Type     notification.Type // "" for the first that the endpoint receives
}

// TestResult is what came of it.
type TestResult struct {
	Type     notification.Type
	Verdict  delivery.Verdict
	Status   int // 0 if there was no answer
	Duration time.Duration
	Answer   string
}

// SummarizeRequest asks for summaries of what another scanner changed.
type SummarizeRequest struct {
	// Force does not wait for tags that are behind.
	Force bool
}

// Summarized is the outcome of it.
type Summarized struct {
	// Behind tags have yet to check what changed.
	Behind   int
	Notified int // lists that changed, for each endpoint
}

// Reevaluated is how far a new bundle was evaluated for all tags.
type Reevaluated struct {
	// After is the text of the last tag.
	After string
	// Evaluated tags need nothing more; the watchers of Woken ones go on.
	Evaluated, Woken int
	// Rest reports that all other tags are to be evaluated too: the data's age can
	// bring any of them to another outcome.
	Rest bool
}
