package databuild

import (
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

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
	// By is who asked for it, if somebody did, and Action what for.
	By     audit.Actor
	Action audit.Action
}

// Moved counts what an Advance came to.
type Moved struct {
	Matched int // groups that were matched again
	Changed int // of them with other findings than before
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
	// By is who asks; the zero value for Tagwatch itself.
	By audit.Actor `json:",omitzero"`
}

// Action is what the audit trail calls the request; "" for one of Tagwatch itself.
func (r SyncRequest) Action() audit.Action {
	switch {
	case r.By == (audit.Actor{}):
		return ""
	case r.File != "":
		return audit.FeedImport
	case r.Release != "":
		return audit.FeedRelease
	case r.Rollback != "":
		return audit.FeedRollback
	}
	return audit.FeedSync
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
}

// AdvanceRequest asks to move to a build.
type AdvanceRequest struct {
	Build vuln.Build
	// From is the checksum of the build that was current when this one was
	// judged; "" if there was none. From another, the move is not made.
	From string
	// Leave is what the one that was current becomes; "" for Previous.
	Leave BuildState
	// By is who asked for it, if somebody did, and Action what for.
	By     audit.Actor  `json:",omitzero"`
	Action audit.Action `json:",omitempty"`
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
