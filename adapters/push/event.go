package push

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Event says that something changed in a repository. It is comparable.
type Event struct {
	// Repository has its canonical name: what is watched may have another one.
	Repository image.Repository
	// Tag is the one that may have moved or gone; empty when it may be any of
	// the repository's, as when an image was deleted by its digest.
	Tag string
}

// mention is a repository and tag as a body names them. An empty host is the
// registry of the source.
type mention struct{ host, path, tag string }

// parser reads the body of one kind of registry. A body without a relevant change
// gives no mention; one that is not of this kind is an errkind.Invalid.
type parser func(body []byte) ([]mention, error)

// Parse reads from a body of the source's kind what may have changed, each once. An
// error is an errkind.Invalid, or an errkind.Limit for a body that names too much.
func Parse(source Source, body []byte) ([]Event, error) {
	of, found := source.Kind.trait()
	if !found {
		return nil, fmt.Errorf("kind %q: %w", source.Kind, errkind.Invalid)
	}
	mentions, err := of.parse(body)
	if err != nil {
		return nil, err
	}
	if len(mentions) > maxMentions {
		return nil, fmt.Errorf("the body names more than %d tags: %w", maxMentions, errkind.Limit)
	}
	return events(mentions, source.Registry, of.registry), nil
}

// maxMentions is how many tags one body may name.
const maxMentions = 1000

// decode reads JSON.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the body is not the JSON of this kind: %w", errkind.Invalid)
	}
	return nil
}

// errOtherKind is for JSON that lacks what every body of the kind has.
func errOtherKind(lacks string) error {
	return fmt.Errorf("the body has no %s, so it is not of this kind: %w", lacks, errkind.Invalid)
}

// events converts mentions into events, without duplicates and without invalid
// names. Registry, if set, replaces the hosts of the body; otherwise stands in for
// missing ones.
func events(mentions []mention, registry, otherwise string) []Event {
	var found []Event
	seen := map[Event]bool{}
	for _, m := range mentions {
		switch {
		case registry != "":
			m.host = registry
		case m.host == "":
			m.host = otherwise
		}
		if event, ok := m.event(); ok && !seen[event] {
			seen[event] = true
			found = append(found, event)
		}
	}
	return found
}

func (m mention) event() (Event, bool) {
	repository, err := image.ParseRepository(m.host + "/" + m.path)
	if err != nil || !strings.EqualFold(repository.Registry, m.host) {
		return Event{}, false
	}
	if m.tag == "" {
		return Event{Repository: repository.Canonical()}, true
	}
	reference, err := image.ParseReference(repository.String() + ":" + m.tag)
	if err != nil || reference.Repository != repository || reference.Tag == "" {
		return Event{}, false
	}
	return Event{Repository: repository.Canonical(), Tag: reference.Tag}, true
}

// mentioned splits registry/repository[:tag], with the tag in its last part.
func mentioned(text string) mention {
	text, _, _ = strings.Cut(text, "@")
	host, rest, _ := strings.Cut(text, "/")
	path, tag := rest, ""
	if i := strings.LastIndex(rest, ":"); i > strings.LastIndex(rest, "/") {
		path, tag = rest[:i], rest[i+1:]
	}
	return mention{host: host, path: path, tag: tag}
}
