package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Candidate is an image under a reference without the image's content: what one
// evaluation of an image has that another of the same image may not have.
type Candidate struct {
	Reference image.Reference
	Digest    image.Digest
	ImageID   string
	// Dockerfile takes the place of the one inferred from the image; "" for that.
	Dockerfile string
	Failed     *FailedImage
	// Acceptances is the acceptance.Key of what covers the image under the reference.
	Acceptances string
}

// Key identifies everything that an evaluation of the candidate reads, but for
// the vulnerability data, package registries and the time: evaluations with equal
// keys differ in nothing but the reference, whichever bundles they are of. The error
// is that of a pattern that cannot be matched.
func (b *Bundle) Key(ctx context.Context, c Candidate) (string, error) {
	sum, limit := sha256.New(), newTimeLimit(ctx, evaluationTime)
	write(sum, string(c.Digest), c.ImageID, c.Dockerfile, c.Acceptances, fmt.Sprint(b.faults))
	if c.Failed != nil {
		write(sum, string(c.Failed.Digest), c.Failed.Reason)
	}
	if len(b.faults) > 0 {
		return encoded(sum), nil
	}
	seen := candidate{c.Reference.Registry, c.Reference.Path, c.Reference.Tag, string(c.Digest), c.ImageID}
	for _, list := range [][]Selection{b.BlacklistedImages, b.WhitelistedImages} {
		at, err := selected(list, func(s Selection) Selection { return s }, seen, limit)
		if err != nil {
			return "", err
		}
		if at < 0 {
			write(sum, "")
		} else {
			write(sum, string(list[at].Raw), fmt.Sprint(list[at].faults))
		}
	}
	at, err := selected(b.Mappings, Mapping.selection, seen, limit)
	if err != nil {
		return "", err
	}
	if at >= 0 {
		write(sum, b.Mappings[at].content)
	}
	return encoded(sum), nil
}

// selected is the position of the first entry that is for the image, or that
// nobody can tell of because of its faults; -1 if there is none.
func selected[T any](list []T, of func(T) Selection, c candidate, limit *timeLimit) (int, error) {
	for i := range list {
		s := of(list[i])
		if len(s.faults) > 0 {
			return i, nil
		}
		if matched, err := s.matches(c, limit); err != nil || matched {
			return i, err
		}
	}
	return -1, nil
}

// addContents completes the mappings with what identifies all that they apply. Of
// policies and whitelists the place counts, too: problems name it.
func (b *Bundle) addContents() {
	for i := range b.Mappings {
		m, sum := &b.Mappings[i], sha256.New()
		write(sum, string(m.Raw), fmt.Sprint(m.Selection.faults), fmt.Sprint(m.faults))
		for _, id := range m.PolicyIDs {
			if p := b.policies[id]; p != nil {
				write(sum, p.content)
			}
		}
		write(sum, "")
		for _, id := range m.WhitelistIDs {
			if w := b.whitelists[id]; w != nil {
				write(sum, w.content)
			}
		}
		m.content = encoded(sum)
	}
}

// contentOf identifies a part of a bundle by its text and its place.
func contentOf(n node) string {
	sum := sha256.New()
	write(sum, n.path, string(n.raw))
	return encoded(sum)
}

// write adds texts so that no two lists of texts are the same to the sum.
func write(sum hash.Hash, texts ...string) {
	for _, text := range texts {
		fmt.Fprintf(sum, "%d:%s", len(text), text) // a hash takes everything
	}
}

func encoded(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil)) }
