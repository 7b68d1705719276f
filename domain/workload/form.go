package workload

import (
	"slices"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Kind is what a digest is of.
type Kind string

// The kinds.
const (
	Index         Kind = "index"
	Manifest      Kind = "manifest"
	Configuration Kind = "configuration"
)

// Form is what a registry says of a digest that a runtime reports. Runtimes name one image by
// the digest of its index, of its manifest or of its configuration.
type Form struct {
	Kind Kind `json:"kind"`
	// Parts are the images of an index and the indexes in it, or the configuration of a
	// manifest.
	Parts []Part `json:"parts,omitempty"`
}

// Part is what an index or a manifest names by its digest.
type Part struct {
	Digest   image.Digest   `json:"digest"`
	Platform image.Platform `json:"platform,omitzero"` // that an index says
	Index    bool           `json:"index,omitempty"`
}

// Forms are what is known of digests from registries.
type Forms map[image.Digest]Form

// Question asks a registry for the Form of a digest.
type Question struct {
	Repository image.Repository
	Digest     image.Digest
}

// Verdict says whether two digests name the same image.
type Verdict int

// The verdicts.
const (
	Unclear Verdict = iota // registries have to be asked first
	Same
	Different
)

// named is a digest with the repository that it was pulled from.
type named struct {
	digest     image.Digest
	repository image.Repository
}

// deepest is how many indexes in each other are followed.
const deepest = 4

// compare says whether two digests name the same image on a platform, and what to ask as long
// as that is unclear.
func (f Forms) compare(a, b named, platform image.Platform) (Verdict, []Question) {
	if a.digest == b.digest || slices.Contains(f.within(a.digest), b.digest) || slices.Contains(f.within(b.digest), a.digest) {
		return Same, nil
	}
	first, second := f[a.digest].Kind, f[b.digest].Kind
	missing := append(f.missing(a, second), f.missing(b, first)...)
	switch {
	case len(missing) > 0:
		return Unclear, missing
	case first == Index && second == Index && f.alike(a.digest, b.digest, platform):
		return Same, nil
	}
	return Different, nil
}

// within are all parts of a digest, and their parts.
func (f Forms) within(digest image.Digest) (all []image.Digest) {
	next := []image.Digest{digest}
	for range deepest {
		var found []image.Digest
		for _, each := range next {
			for _, part := range f[each].Parts {
				found = append(found, part.Digest)
			}
		}
		all, next = append(all, found...), found
	}
	return all
}

// missing is what has to be asked of a digest, to compare it with one of that kind: what it
// is, the indexes in it, and the configurations of its images where the other is one.
func (f Forms) missing(of named, other Kind) (questions []Question) {
	form, known := f[of.digest]
	if !known {
		return []Question{{of.repository, of.digest}}
	}
	if form.Kind != Index {
		return nil
	}
	next := form.Parts
	for range deepest {
		var found []Part
		for _, part := range next {
			inner, known := f[part.Digest]
			if !known && (part.Index || other == Configuration) {
				questions = append(questions, Question{of.repository, part.Digest})
			}
			if inner.Kind == Index {
				found = append(found, inner.Parts...)
			}
		}
		next = found
	}
	return questions
}

// alike reports whether two indexes have the same image for a platform: a new build may change
// others, or what is said about them, only. Where they name none for it, all count.
func (f Forms) alike(a, b image.Digest, platform image.Platform) bool {
	platform = platform.OrDefault()
	for _, counts := range []func(Part) bool{
		func(p Part) bool {
			return p.Platform.OS == platform.OS && p.Platform.Architecture == platform.Architecture
		},
		func(p Part) bool { return !p.Index },
	} {
		first, second := f.images(a, counts), f.images(b, counts)
		if len(first)+len(second) > 0 {
			return slices.Equal(first, second)
		}
	}
	return false
}

// images are those of an index that count, in order.
func (f Forms) images(index image.Digest, counts func(Part) bool) (digests []image.Digest) {
	next := f[index].Parts
	for range deepest {
		var found []Part
		for _, part := range next {
			found = append(found, f.inner(part)...)
			if !part.Index && counts(part) {
				digests = append(digests, part.Digest)
			}
		}
		next = found
	}
	slices.Sort(digests)
	return slices.Compact(digests)
}

// inner are the parts of an index in an index.
func (f Forms) inner(part Part) []Part {
	if !part.Index {
		return nil
	}
	return f[part.Digest].Parts
}
