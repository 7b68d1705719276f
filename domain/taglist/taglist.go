// Package taglist decides which tags of a watched repository are followed: it filters
// the list that the registry gives and compares it with what was recorded. Everything
// in it is pure.
package taglist

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// Repository is a repository whose tags are watched as they appear.
type Repository struct {
	Name image.Repository `json:"name"`
	// Types are subscribed for each tag; Options go with them and with
	// repo_update.
	Types   []notification.Type  `json:"types"`
	Options subscription.Options `json:"options"`
	// Platforms are those on which each tag is watched, Platform the only one;
	// without both it is the default.
	Platform  image.Platform   `json:"platform"`
	Platforms []image.Platform `json:"platforms,omitempty"`
	// Poll is how often each tag is checked; List how often tags are listed.
	Poll time.Duration `json:"poll"`
	List time.Duration `json:"list"`
	// Filter selects the tags to watch.
	Filter Filter `json:"filter"`
	// Most is how many tags may be watched at most; zero for DefaultMost. A
	// repository that has more is not watched any further: who fills it may be
	// somebody else.
	Most int `json:"most,omitempty"`
}

// DefaultMost is how many tags of a repository are watched unless it says
// otherwise.
const DefaultMost = 20_000

// State is what was last recorded of a watched repository.
type State struct {
	// Edition is the number of the settings: every change gives them another one.
	Edition  int64
	Revision int64
	// Listed reports that the repository was listed at least once; the first
	// listing is silent.
	Listed bool
	// Tags are those that are watched, sorted.
	Tags []string
	// ListedTags are all tags that the repository had, sorted: a tag that is not among
	// them is new.
	ListedTags []string
	// Applied names the settings that the watches were made with.
	Applied string
	// Problem is why the tags cannot be listed, which is recorded by itself; nil if
	// they can.
	Problem *condition.Problem
	Checked time.Time
}

// Listing is what one check a repository's tags came to. Its lists may be cut.
type Listing struct {
	New     []string // tags that are watched from now on, sorted
	Removed []string // tags that are gone, sorted
	// Ended are the targets whose subscriptions ended with a removed tag.
	Ended []image.Target
	// Namesakes are targets that are watched under other names.
	Namesakes []Namesake
	// Endpoints have new deliveries and want to be woken.
	Endpoints  []string
	List       time.Duration // until the next check
	Tags       int           // watched in all
	Active     bool          // false: the repository is no longer watched
	Problem    *condition.Problem
	RetryAfter time.Duration
}

// Targets are what is watched of a tag, one for each platform.
func (r Repository) Targets(tag string) []image.Target {
	platforms := r.Platforms
	if len(platforms) == 0 {
		platforms = []image.Platform{r.Platform}
	}
	targets := make([]image.Target, len(platforms))
	for i, platform := range platforms {
		targets[i] = image.Target{Reference: r.Name.Reference(tag), Platform: platform}
	}
	return targets
}

// Settings names everything that a tag's watch is made with: two that are equal
// make equal watches.
func (r Repository) Settings() string {
	text, err := json.Marshal(struct {
		Types   []notification.Type
		Options subscription.Options
		Targets []image.Target
		Poll    time.Duration
	}{r.Types, r.Options, r.Targets("latest"), r.Poll})
	if err != nil { // of nothing that it is made of
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
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
