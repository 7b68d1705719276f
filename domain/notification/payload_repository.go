package notification

import (
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// TagsFound reports that a watched repository has new tags.
type TagsFound struct {
	Repository image.Repository
	New        []string // tags, watched from now on
	Removed    []string // tags, gone since the last listing
	Tags       int      // number of watched tags
}

// Type is repo_update.
func (TagsFound) Type() Type { return RepoUpdate }

func (c TagsFound) subject() string { return c.Repository.String() }

func (c TagsFound) summary() string {
	line := wording.Count(len(c.New), "new tag") + named(slices.Sorted(slices.Values(c.New)))
	if len(c.Removed) > 0 {
		line += fmt.Sprintf("; %d removed", len(c.Removed)) + named(slices.Sorted(slices.Values(c.Removed)))
	}
	return line
}

func (c TagsFound) payload(shared common) any {
	return struct {
		common
		Repository string         `json:"repository"`
		New        []string       `json:"new_tags"`
		Removed    []string       `json:"removed_tags"`
		Counts     map[string]int `json:"counts"`
	}{
		common:     shared,
		Repository: c.Repository.String(),
		New:        orEmpty(slices.Sorted(slices.Values(c.New))),
		Removed:    orEmpty(slices.Sorted(slices.Values(c.Removed))),
		Counts:     map[string]int{"new_tags": len(c.New), "removed_tags": len(c.Removed), "tags": c.Tags},
	}
}
