package declaration

import (
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// Kind is what a thing is.
type Kind string

// The kinds.
const (
	OfEndpoint     Kind = "endpoint"
	OfPolicy       Kind = "policy"
	OfAcceptance   Kind = "acceptance"
	OfRepository   Kind = "repository"
	OfSource       Kind = "source"
	OfSubscription Kind = "subscription"
)

// Kinds are all of them, each after those that it may name: things are made in this
// order and deleted in the reverse one.
var Kinds = []Kind{OfEndpoint, OfPolicy, OfAcceptance, OfRepository, OfSource, OfSubscription}

// Key identifies a thing. Of names that mean the same, it has the first.
type Key struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
}

// Thing is one thing that is declared or stored. Exactly one of its values is not nil.
type Thing struct {
	Key
	// Place is where it is declared.
	Place Place
	// Owner is whose it is, of a stored one; "" for one that was made by hand.
	Owner string

	Endpoint   *endpoint.Endpoint
	Bundle     *Bundle
	Acceptance *acceptance.Acceptance
	Repository *taglist.Repository
	Source     *source.Source
	Watched    *Watched
	// Older are the ids of other acceptances that are for the same.
	Older []int64
}

// Bundle is a policy bundle.
type Bundle struct {
	ID, Name, Hash string
	Document       []byte
	Active         bool
}

// Watched is what a tag is subscribed to, other than by a watched repository or a source.
type Watched struct {
	Target image.Target
	Types  map[notification.Type]subscription.Options
	// Poll is how often the tag is checked; zero for the default or, if it is declared,
	// for whatever it is.
	Poll time.Duration
}

// KeyOfAcceptance names an acceptance by what it is for.
func KeyOfAcceptance(a acceptance.Acceptance) Key {
	name := strings.ToUpper(a.Vulnerability)
	if a.Package != "" {
		name += " in " + a.Package
	}
	if a.Subject != "" {
		name += " of " + a.Subject
	}
	return Key{OfAcceptance, name}
}

// KeyOfRepository names a repository by the first of its names.
func KeyOfRepository(name image.Repository) Key {
	return Key{OfRepository, name.Names()[0].String()}
}

// KeyOfTarget names what a tag is subscribed to by the first of the tag's names.
func KeyOfTarget(target image.Target) Key { return Key{OfSubscription, target.Names()[0].String()} }
