package vuln

// Group is a package together with those it is tied to by ownership (a
// distribution package and the language packages whose files it installed),
// because a record of one can suppress findings of the other. Most groups have
// one member. A group is matched as one, and once for all images that contain it.
type Group struct {
	// Fingerprint is a hash of everything about the members that matching looks
	// at; equal groups of different images have equal fingerprints.
	Fingerprint string
	// Document is the matcher's own encoding of the members.
	Document []byte
	// Keys are the lower-case names under which vulnerability data about the
	// members can be found.
	Keys []string
	// Artifacts are the ids of the image's packages, one list a member: the same
	// package may lie at several places of an image.
	Artifacts [][]string
	// Packages are the members.
	Packages []Package
}

// GroupFinding is a finding of a member of a group.
type GroupFinding struct {
	Member int // index into the group's members
	Finding
}

// Matcher identifies what matched: a version of grype and its settings.
// Findings of different matchers are never compared as if the data had changed.
type Matcher string
