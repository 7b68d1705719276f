package watch

import (
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Repository is a repository whose tags are watched as they appear.
type Repository struct {
	Name image.Repository `json:"name"`
	// Types are subscribed for each tag; Options go with them and with
	// repo_update.
	Types    []event.Type   `json:"types"`
	Options  event.Options  `json:"options"`
	Platform image.Platform `json:"platform"`
	// Poll is how often each tag is looked at; List how often tags are listed.
	Poll time.Duration `json:"poll"`
	List time.Duration `json:"list"`
	// Filter selects the tags to watch.
	Filter Filter `json:"filter"`
}

// RepositoryState is what was last recorded of a watched repository.
type RepositoryState struct {
	Revision int64
	// Listed tells that the repository was listed at least once; the first
	// listing is silent.
	Listed bool
	// Tags are those that are watched, sorted.
	Tags    []string
	Problem *Problem
	Checked time.Time
}

// Listing is what one look at a repository's tags came to.
type Listing struct {
	New     []string // tags that are watched from now on, sorted
	Removed []string // tags that are gone, sorted
	// Ended are the targets whose subscriptions ended with a removed tag.
	Ended []image.Target
	// Endpoints have new deliveries and want to be woken.
	Endpoints  []string
	List       time.Duration // until the next look
	Tags       int           // watched in all
	Active     bool          // false: the repository is no longer watched
	Problem    *Problem
	RetryAfter time.Duration
}

// DiffTags compares the watched tags with those selected now; all are sorted.
func DiffTags(known, selected []string) (added, removed []string) {
	return without(selected, known), without(known, selected)
}

func without(tags, others []string) []string {
	var rest []string
	for _, tag := range tags {
		if _, found := slices.BinarySearch(others, tag); !found {
			rest = append(rest, tag)
		}
	}
	return rest
}
