// Package declaration is what one document declares: the endpoints, policy bundles,
// acceptances, repositories, sources and subscriptions that an installation is to have. It reads
// and checks documents, and compares them with what is stored. Everything in it is pure.
//
// Each thing that a document made belongs to the document's owner. A document changes
// what its owner has, creates what nobody has, leaves alone what was made by hand unless
// it adopts that, and is refused as a whole if it lists what another owner has.
package declaration

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// Document is a declaration as it is written.
type Document struct {
	// Owner is whom the things belong to, as the name of a team or of a folder in Git.
	Owner         string         `json:"owner"`
	Endpoints     []Endpoint     `json:"endpoints,omitempty"`
	Policies      []Policy       `json:"policies,omitempty"`
	Acceptances   []Acceptance   `json:"acceptances,omitempty"`
	Repositories  []Repository   `json:"repositories,omitempty"`
	Sources       []Source       `json:"sources,omitempty"`
	Subscriptions []Subscription `json:"subscriptions,omitempty"`
}

// Endpoint is an endpoint with times as people write them.
type Endpoint struct {
	endpoint.Endpoint
	Timeout  Duration  `json:"timeout,omitzero"`
	Digest   Duration  `json:"digest,omitzero"`
	Debounce Duration  `json:"debounce,omitzero"`
	State    *struct{} `json:"state,omitempty"` // hides that of the endpoint
}

// EndpointOf is the inverse of Settings.
func EndpointOf(e endpoint.Endpoint) Endpoint {
	return Endpoint{Endpoint: e, Timeout: Duration(e.Timeout), Digest: Duration(e.Pace.Digest), Debounce: Duration(e.Pace.Debounce)}
}

// Settings are the endpoint as it is stored.
func (e Endpoint) Settings() endpoint.Endpoint {
	settings := e.Endpoint
	settings.Timeout, settings.Pace.Digest, settings.Pace.Debounce = time.Duration(e.Timeout), time.Duration(e.Digest), time.Duration(e.Debounce)
	return settings
}

// Policy is a bundle, in a file beside the document or within it.
type Policy struct {
	File   string          `json:"file,omitempty"`
	Bundle json.RawMessage `json:"bundle,omitempty"`
	// Active makes it the bundle that is evaluated. A document that does not say so
	// leaves the active one.
	Active bool `json:"active,omitempty"`
}

// Acceptance is an accepted risk. Vulnerability, package and subject name it.
type Acceptance struct {
	Vulnerability string `json:"vulnerability"`
	Package       string `json:"package,omitempty"`
	Subject       string `json:"subject,omitempty"`
	Until         End    `json:"until"`
	Reason        string `json:"reason"`
	Owner         string `json:"owner,omitempty"`
}

// acceptanceOf is the inverse of Decision.
func acceptanceOf(a acceptance.Acceptance) Acceptance {
	return Acceptance{a.Vulnerability, a.Package, a.Subject, End(a.Until), a.Reason, a.Owner}
}

// Decision is the acceptance as it is stored.
func (a Acceptance) Decision() acceptance.Acceptance {
	return acceptance.Acceptance{Vulnerability: a.Vulnerability, Package: a.Package, Subject: a.Subject, Until: time.Time(a.Until), Reason: a.Reason, Owner: a.Owner}
}

// Repository is a watched repository.
type Repository struct {
	Name         image.Repository     `json:"name"`
	Types        []notification.Type  `json:"types,omitempty"`
	Platforms    []image.Platform     `json:"platforms,omitempty"`
	Interval     Duration             `json:"interval,omitzero"`
	ListInterval Duration             `json:"list_interval,omitzero"`
	MaxTags      int                  `json:"max_tags,omitempty"`
	Filter       Filter               `json:"filter,omitzero"`
	Options      subscription.Options `json:"options,omitzero"`
}

// Filter selects tags of a repository, by the names that the options of the command have.
type Filter struct {
	Include      []string `json:"include,omitempty"`
	Regex        []string `json:"regex,omitempty"`
	Exclude      []string `json:"exclude,omitempty"`
	ExcludeRegex []string `json:"exclude_regex,omitempty"`
	Semver       string   `json:"semver,omitempty"`
	Newest       int      `json:"newest,omitempty"`
	Suffixes     []string `json:"suffixes,omitempty"`
	Prereleases  bool     `json:"prereleases,omitempty"`
	Always       []string `json:"always,omitempty"`
	Artifacts    bool     `json:"artifacts,omitempty"`
}

func filterOf(f taglist.Filter) Filter {
	return Filter{f.Include, f.Regex, f.Exclude, f.ExcludeRegex, f.Versions, f.Newest, f.Suffixes, f.Prereleases, f.Keep, f.Artifacts}
}

func (f Filter) settings() taglist.Filter {
	return taglist.Filter{Include: f.Include, Regex: f.Regex, Exclude: f.Exclude, ExcludeRegex: f.ExcludeRegex, Versions: f.Semver, Newest: f.Newest,
		Suffixes: f.Suffixes, Prereleases: f.Prereleases, Keep: f.Always, Artifacts: f.Artifacts}
}

// RepositoryOf is the inverse of Settings.
func RepositoryOf(r taglist.Repository) Repository {
	platforms := r.Platforms
	if len(platforms) == 0 && r.Platform != (image.Platform{}) {
		platforms = []image.Platform{r.Platform}
	}
	return Repository{Name: r.Name, Types: typesShown(r.Types), Platforms: platforms, Interval: Duration(r.Poll), ListInterval: Duration(r.List), MaxTags: r.Most,
		Filter: filterOf(r.Filter), Options: r.Options}
}

// Settings are the repository as it is stored.
func (r Repository) Settings() taglist.Repository {
	settings := taglist.Repository{Name: r.Name, Types: typesMeant(r.Types), Platforms: r.Platforms, Poll: time.Duration(r.Interval), List: time.Duration(r.ListInterval),
		Most: r.MaxTags, Filter: r.Filter.settings(), Options: r.Options}
	if len(r.Platforms) == 1 {
		settings.Platform, settings.Platforms = r.Platforms[0], nil
	}
	return settings
}

// Source is a source with times as people write them.
type Source struct {
	source.Source
	Paths        []string `json:"paths,omitempty"`
	Interval     Duration `json:"interval,omitzero"`
	ListInterval Duration `json:"list_interval,omitzero"`
	MaxTags      int      `json:"max_tags,omitempty"`
	// These hide the fields of the source that have other names here.
	Poll *struct{} `json:"poll,omitempty"`
	List *struct{} `json:"list,omitempty"`
	Most *struct{} `json:"most,omitempty"`
}

// SourceOf is the inverse of Settings.
func SourceOf(s source.Source) Source {
	s.Types = typesShown(s.Types)
	return Source{Source: s, Paths: s.Paths, Interval: Duration(s.Poll), ListInterval: Duration(s.List), MaxTags: s.Most}
}

// Settings are the source as it is stored.
func (s Source) Settings() source.Source {
	settings := s.Source
	settings.Paths = s.Paths
	settings.Types, settings.Poll, settings.List, settings.Most = typesMeant(s.Types), time.Duration(s.Interval), time.Duration(s.ListInterval), s.MaxTags
	return settings
}

// Subscription subscribes to tags, all with the same types and options. Several items may
// name a tag if their types differ.
type Subscription struct {
	// Tags are named as people do, with a digest to pin the tag to and a platform.
	Tags     []string             `json:"tags"`
	Types    []notification.Type  `json:"types,omitempty"`
	Interval Duration             `json:"interval,omitzero"`
	Options  subscription.Options `json:"options,omitzero"`
}

// typesMeant are the types that a tag has by default unless some are given.
func typesMeant(types []notification.Type) []notification.Type {
	if len(types) == 0 {
		return notification.DefaultTypes
	}
	return types
}

// typesShown leaves out a list of the types that a tag has by default.
func typesShown(types []notification.Type) []notification.Type {
	if len(types) != len(notification.DefaultTypes) {
		return types
	}
	for _, t := range notification.DefaultTypes {
		if !slices.Contains(types, t) {
			return types
		}
	}
	return nil
}

// Duration is a time such as 30s, 5m or 1h30m.
type Duration time.Duration

// MarshalText writes it as people do.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed < 0 {
		return fmt.Errorf("invalid value %q: expected a duration such as 30s or 5m: %w", text, errkind.Invalid)
	}
	*d = Duration(parsed)
	return nil
}

// End is when an acceptance ends: a day, a time, or fixed for when there is a fix.
type End time.Time

const untilFixed = "fixed"

// MarshalText writes the end to the second.
func (e End) MarshalText() ([]byte, error) {
	if time.Time(e).IsZero() {
		return []byte(untilFixed), nil
	}
	return []byte(time.Time(e).UTC().Format(time.RFC3339)), nil
}

// UnmarshalText reads it.
func (e *End) UnmarshalText(text []byte) error {
	if string(text) == untilFixed {
		*e = End{}
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			*e = End(at.UTC())
			return nil
		}
	}
	return fmt.Errorf("invalid value %q: expected a time such as 2027-01-31 or 2027-01-31T12:00:00Z, or fixed: %w", text, errkind.Invalid)
}
