package policy

import (
	"encoding/json"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Selection is the part of a mapping that says which images it is for, and a
// whole entry of an image list.
type Selection struct {
	ID         string
	Name       string
	Registry   string // pattern
	Repository string // pattern
	ImageType  string // tag, digest or id
	ImageValue string // pattern of a tag, exact digest or exact image id
	Raw        json.RawMessage

	path                      string // in the bundle
	registry, repository, tag matcher
	// faults are errors that leave open what the entry selects.
	faults []Problem
}

// imageList is the entries of an image list. An absent one is empty; null is an
// error, as for Anchore.
func imageList(n node) []node {
	if n.raw != nil && n.null() {
		n.error(problemInvalid, "expected a list of images, not null; write [] or omit it")
	}
	return n.items()
}

func readImages(nodes []node) []Selection {
	var all []Selection
	for _, n := range nodes {
		s, _ := readSelection(n)
		all = append(all, s)
	}
	return all
}

func readSelection(n node) (Selection, object) {
	s := Selection{Raw: n.raw, path: n.path}
	var o object
	s.faults = n.problems.faults(func() {
		if o = n.object(); o.fields == nil {
			return
		}
		s.ID, s.Name = o.at("id").text(), o.at("name").text()
		s.Registry, s.registry = readPattern(o.at("registry"))
		s.Repository, s.repository = readPattern(o.at("repository"))
		s.readImage(o.at("image"))
	})
	return s, o
}

func readPattern(n node) (string, matcher) {
	text := n.requiredText()
	m, err := newMatcher(text, n.problems.compile)
	if err != nil {
		n.error(problemExpression, "%s", errkind.Text(err))
	}
	return text, m
}

func (s *Selection) readImage(n node) {
	o := n.object()
	if o.fields == nil {
		return
	}
	kind, value := o.at("type"), o.at("value")
	s.ImageType = kind.requiredText()
	if s.ImageType == "tag" {
		s.ImageValue, s.tag = readPattern(value)
		return
	}
	s.ImageValue = value.requiredText()
	switch {
	case s.ImageType == "digest" && !strings.HasPrefix(s.ImageValue, "sha256:"):
		value.warn(problemIneffective, "a digest is compared exactly and begins with sha256:, so %q selects nothing", s.ImageValue)
	case s.ImageType == "id" && strings.ContainsAny(s.ImageValue, ":*"):
		value.warn(problemIneffective, "an image id is compared exactly, 64 hexadecimal digits without sha256:, so %q selects nothing", s.ImageValue)
	case s.ImageType != "" && s.ImageType != "digest" && s.ImageType != "id":
		kind.error(problemInvalid, "image type %q: %s", s.ImageType, oneOf(s.ImageType, []string{"tag", "digest", "id"}))
	}
}

// candidate is an image under a reference, as selections see it.
type candidate struct {
	registry, repository, tag string
	digest                    string // of the manifest
	imageID                   string
}

func candidateOf(s *Input) candidate {
	c := candidate{registry: s.Reference.Registry, repository: s.Reference.Path, tag: s.Reference.Tag}
	if s.Inventory != nil {
		c.digest, c.imageID = string(s.Inventory.Digest), s.Inventory.ImageID
	}
	return c
}

// matches reports whether the selection is for the image.
func (s *Selection) matches(c candidate, b *timeLimit) (bool, error) {
	if matched, err := s.registry.match(c.registry, b); err != nil || !matched {
		return false, err
	}
	if matched, err := s.repository.match(c.repository, b); err != nil || !matched {
		return false, err
	}
	switch s.ImageType {
	case "tag":
		return s.tag.match(c.tag, b)
	case "digest":
		return s.ImageValue == c.digest, nil
	default:
		return s.ImageValue == c.imageID, nil
	}
}
