package watch

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/fault"
)

// Filter selects tags of a repository. Patterns are globs: * for any run of
// characters, ? for one, [a-z] for one of a set.
type Filter struct {
	// Include keeps tags that match one of them; none keeps all.
	Include []string `json:"include,omitempty"`
	// Exclude drops tags that match one of them.
	Exclude []string `json:"exclude,omitempty"`
	// Artifacts keeps the tags that hold signatures, attestations and SBOMs
	// (sha256-<hex>.sig, .att, .sbom, and the plain referrers form), which are
	// dropped otherwise.
	Artifacts bool `json:"artifacts,omitempty"`
}

// Validate refuses patterns that can never match.
func (f Filter) Validate() error {
	for _, pattern := range slices.Concat(f.Include, f.Exclude) {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("tag pattern %q: a set is not complete, as in [a-z], or a backslash ends it; write \\[ or \\\\ for the character itself: %w", pattern, fault.Invalid)
		}
	}
	return nil
}

// Select keeps the tags to watch, sorted and each once.
func (f Filter) Select(tags []string) []string {
	var kept []string
	for _, tag := range tags {
		if f.selects(tag) {
			kept = append(kept, tag)
		}
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}

func (f Filter) selects(tag string) bool {
	if !f.Artifacts && strings.HasPrefix(tag, "sha256-") {
		return false
	}
	return (len(f.Include) == 0 || matchesAny(f.Include, tag)) && !matchesAny(f.Exclude, tag)
}

func matchesAny(patterns []string, tag string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		matched, err := path.Match(pattern, tag)
		return err == nil && matched
	})
}
