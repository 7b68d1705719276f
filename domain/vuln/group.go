package vuln

import (
	"fmt"
	"strings"
)

// Group is a package together with those it is tied to by ownership (a
// distribution package and the language packages whose files it installed),
// because a record of one can suppress findings of the other. Most groups have
// one member. A group is matched as one, and once for all images that contain it.
type Group struct {
	// Fingerprint is a hash of everything about the members that matching depends on;
	// equal groups of different images have equal fingerprints.
	Fingerprint string
	Document    []byte   // the matcher's own encoding of the members
	Keys        []string // lower-case names of vulnerability data about the members
	// Artifacts are the ids of the image's packages, one list for each member: the same
	// package may be at several places of an image.
	Artifacts [][]string
	Packages  []Package // the members
}

// GroupFinding is a finding of a member of a group.
type GroupFinding struct {
	Member int // index into the group's members
	Finding
}

// Matcher is a version of grype with its settings. Findings of different matchers are
// never compared as if the data had changed.
type Matcher string

// GroupFailures are the groups that could not be matched while others were: the error is
// in the groups, so a retry fails, too.
type GroupFailures []GroupFailure

// GroupFailure is one of them.
type GroupFailure struct {
	Group       int // index into the groups that were to be matched
	Fingerprint string
	Err         error // of the kind errkind.Invalid
}

// Error names the groups.
func (f GroupFailures) Error() string {
	texts := make([]string, len(f))
	for i, each := range f {
		texts[i] = fmt.Sprintf("match group %s: %v", each.Fingerprint, each.Err)
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the causes.
func (f GroupFailures) Unwrap() []error {
	errs := make([]error, len(f))
	for i, each := range f {
		errs[i] = each.Err
	}
	return errs
}
