package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	maxDepth  = 4  // of indexes in indexes
	maxOpened = 32 // manifests and indexes of one index
)

// entry is one of an index, or of an index in it.
type entry struct {
	digest   image.Digest
	platform image.Platform // zero if neither the entry nor an index around it says
	index    bool
	depth    int
	judged   bool // an image of that platform, by its configuration
}

// search looks for the image of a platform in an index. It opens the entry that
// promises most first: one that is named for the platform, the better suited
// first; then indexes and images without a platform, which are what they hold.
// What an entry is labeled with is a promise only.
type search struct {
	registry   *Registry
	repository image.Repository
	platform   image.Platform

	entries []entry  // not opened yet
	offered []string // the platforms of all images
	opened  int
	deep    bool // something was not opened because it is too deep
}

// selectImage returns the digest of the image that suits a platform best.
func (r *Registry) selectImage(ctx context.Context, repository image.Repository, top document, platform image.Platform) (image.Digest, error) {
	s := &search{registry: r, repository: repository, platform: platform}
	err := s.add(top, entry{})
	for err == nil {
		next, rank := s.best()
		switch {
		case rank < 0:
			return "", fmt.Errorf("index %s: %w", top.digest, s.nothing())
		case next.judged:
			return next.digest, nil
		case s.opened == maxOpened:
			return "", fmt.Errorf("index %s has more than %d entries that may be for %s: %w", top.digest, maxOpened, platform, errkind.Limit)
		}
		s.opened++
		var found bool
		if found, err = s.open(ctx, next); found {
			return next.digest, nil
		}
	}
	return "", fmt.Errorf("index %s: %w", top.digest, err)
}

// add lists what an index has. Its entries are for its own platform unless they
// name another.
func (s *search) add(index document, of entry) error {
	parsed, err := v1.ParseIndexManifest(bytes.NewReader(index.raw))
	if err != nil {
		return fmt.Errorf("index %s: %w: %w", index.digest, errkind.Invalid, err)
	}
	for _, each := range parsed.Manifests {
		offer := entry{index: each.MediaType.IsIndex(), platform: platformOf(each), depth: of.depth + 1}
		if !isImage(each) {
			continue
		}
		if offer.platform == (image.Platform{}) {
			offer.platform = of.platform
		}
		if offer.digest, err = image.ParseDigest(each.Digest.String()); err != nil {
			return fmt.Errorf("entry of index %s: %w", index.digest, err)
		}
		if offer.platform != (image.Platform{}) && !offer.index {
			s.offered = append(s.offered, offer.platform.String())
		}
		if offer.depth > maxDepth && offer.index {
			s.deep = true
			continue
		}
		s.entries = append(s.entries, offer)
	}
	return nil
}

// best takes the most promising entry off the list, and tells its rank; negative
// if there is none. Of equals, the first of an index is meant.
func (s *search) best() (entry, int) {
	at, best := -1, -1
	for i, each := range s.entries {
		if rank := s.rank(each); rank >= 0 && (best < 0 || rank < best) {
			at, best = i, rank
		}
	}
	if at < 0 {
		return entry{}, best
	}
	found := s.entries[at]
	s.entries = slices.Delete(s.entries, at, at+1)
	return found, best
}

// rank orders entries: those of a suitable platform by how well it suits, and an
// index that may hold the best right after the best. Images that name no platform
// come after all that do, and are compared once all of them were opened.
func (s *search) rank(e entry) int {
	const unnamed, byConfiguration = 1000, 2000
	suits := rankOf(e.platform, s.platform)
	switch {
	case e.judged && suits > 0:
		return byConfiguration + suits
	case e.platform != (image.Platform{}) && suits < 0:
		return -1
	case e.platform != (image.Platform{}):
		return 2 * suits
	case e.index:
		return 1
	}
	return unnamed
}

// open reads an entry, and reports whether it is the image that is looked for. An
// index gives further entries, and an image without a platform that of its
// configuration. Artifacts are passed over.
func (s *search) open(ctx context.Context, e entry) (found bool, err error) {
	doc, err := s.registry.manifest(ctx, s.repository, string(e.digest))
	if errors.Is(err, errkind.Invalid) {
		return false, nil // by its digest: it is what the index names, and nothing that runs
	}
	if err != nil {
		return false, err
	}
	if doc.mediaType.IsIndex() {
		if e.depth == maxDepth {
			s.deep = true
			return false, nil
		}
		return false, s.add(doc, e)
	}
	if _, err := doc.imageManifest(); err != nil {
		return false, nil
	}
	if e.platform != (image.Platform{}) {
		return true, nil
	}
	e.platform, err = s.registry.platformIn(ctx, s.repository, doc)
	if errors.Is(err, errkind.Invalid) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	e.judged = true
	s.offered = append(s.offered, e.platform.String())
	s.entries = append(s.entries, e)
	return false, nil
}

// nothing says why there is no image.
func (s *search) nothing() error {
	if s.deep {
		return fmt.Errorf("no image for platform %s within %d indexes in each other: %w", s.platform, maxDepth, errkind.Limit)
	}
	return fmt.Errorf("no image for platform %s; it has %s: %w", s.platform, s.describe(), errkind.NotFound)
}

// describe lists the platforms for people.
func (s *search) describe() string {
	if len(s.offered) == 0 {
		return "no image at all"
	}
	slices.Sort(s.offered)
	platforms := slices.Compact(s.offered)
	if len(platforms) > 20 {
		platforms = append(platforms[:20], "and more")
	}
	return strings.Join(platforms, ", ")
}
