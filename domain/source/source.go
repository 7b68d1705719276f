package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// Kind is what a source reads.
type Kind string

// The kinds.
const (
	File       Kind = "file"       // a list: a file of the worker, or an HTTPS URL
	Dockerfile Kind = "dockerfile" // Dockerfiles of the worker
	Compose    Kind = "compose"    // Compose projects of the worker
	Docker     Kind = "docker"     // what a container engine runs
	Kubernetes Kind = "kubernetes" // the workloads of a cluster
)

// Kinds are all of them.
var Kinds = []Kind{File, Dockerfile, Compose, Docker, Kubernetes}

// Streamed reports whether what is read announces its changes.
func (k Kind) Streamed() bool { return k == Docker || k == Kubernetes }

// Source is a place from which Tagwatch takes what to watch.
type Source struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Paths are files and folders of the worker; a file may be one HTTPS URL, an engine is
	// one address, and a cluster is one kubeconfig file or InCluster.
	Paths []string `json:"paths"`
	Cluster
	// Variables have values for a Compose project, or are build arguments.
	Variables map[string]string `json:"variables,omitempty"`
	// Profiles are those of a Compose project whose services are watched; * for all.
	Profiles []string `json:"profiles,omitempty"`
	// Types are subscribed for each tag, and Options go with them.
	Types   []notification.Type  `json:"types,omitempty"`
	Options subscription.Options `json:"options,omitzero"`
	// Platform is the one on which tags are watched that name none.
	Platform image.Platform `json:"platform,omitzero"`
	// Poll is how often each tag is checked; List how often the source is read. Zero for
	// the worker's intervals.
	Poll time.Duration `json:"poll,omitzero"`
	List time.Duration `json:"list,omitzero"`
	// Most is how many tags may be watched at most; zero for DefaultMost.
	Most int `json:"most,omitempty"`
}

// DefaultMost is how many tags a source may bring unless it says otherwise.
const DefaultMost = 20_000

var (
	namePattern     = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)
	variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Validate says what is wrong with a source's settings.
func (s Source) Validate(endpoints []endpoint.Endpoint) error {
	switch {
	case !namePattern.MatchString(s.Name):
		return fmt.Errorf("invalid name %q of a source: use up to 63 lower-case letters, digits, '.', '_' and '-', as in prod-cluster: %w", s.Name, errkind.Invalid)
	case !slices.Contains(Kinds, s.Kind):
		return fmt.Errorf("unknown kind %q of source; the kinds are %s: %w", s.Kind, wording.List(Kinds), errkind.Invalid)
	case len(s.Paths) == 0:
		return fmt.Errorf("a source of kind %s needs the path of what to read: %w", s.Kind, errkind.Invalid)
	case len(s.Profiles) > 0 && s.Kind != Compose:
		return fmt.Errorf("a source of kind %s has no profiles: %w", s.Kind, errkind.Invalid)
	case len(s.Variables) > 0 && s.Kind != Compose && s.Kind != Dockerfile:
		return fmt.Errorf("a source of kind %s has no variables: %w", s.Kind, errkind.Invalid)
	case !s.Cluster.Zero() && s.Kind != Kubernetes:
		return fmt.Errorf("a source of kind %s has no context, namespaces and selector: %w", s.Kind, errkind.Invalid)
	case s.List != 0 && s.List < subscription.ShortestPoll:
		return fmt.Errorf("list interval %s is too short: the shortest is %s: %w", s.List, subscription.ShortestPoll, errkind.Invalid)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		if !variablePattern.MatchString(name) {
			return fmt.Errorf("invalid name %q of a variable: use letters, digits and '_': %w", name, errkind.Invalid)
		}
	}
	if err := s.Cluster.validate(); err != nil {
		return err
	}
	for _, path := range s.Paths {
		if err := s.checkPath(path); err != nil {
			return err
		}
	}
	// What a subscription may not be, a source may not ask for.
	any := image.Target{Reference: image.Reference{Repository: image.Repository{Registry: image.DefaultRegistry, Path: "any"}, Tag: "latest"}}
	return subscription.Request{Targets: []image.Target{any}, Types: s.Types, Options: s.Options, Poll: s.Poll}.Validate(endpoints)
}

func (s Source) checkPath(path string) error {
	switch s.Kind {
	case Docker:
		return s.checkEngine(path)
	case Kubernetes:
		return s.checkCluster(path)
	}
	if !strings.Contains(path, "://") {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("path %q is read by the worker and has to be absolute: %w", path, errkind.Invalid)
		}
		return nil
	}
	address, err := url.Parse(path)
	switch {
	case err != nil:
		return fmt.Errorf("an address of the source cannot be read; expected one such as https://git.example.com/images.txt: %w", errkind.Invalid)
	case address.User != nil:
		return fmt.Errorf("the address at %s has a user name or password; addresses are stored and shown, so leave them out: %w", address.Host, errkind.Invalid)
	case s.Kind != File:
		return fmt.Errorf("a source of kind %s reads files of the worker, no addresses: %w", s.Kind, errkind.Invalid)
	case len(s.Paths) > 1:
		return fmt.Errorf("a source reads one address; add another source for the next: %w", errkind.Invalid)
	case address.Scheme != "https" && address.Scheme != "http" || address.Host == "":
		return fmt.Errorf("address %s: expected one that begins with https://: %w", path, errkind.Invalid)
	}
	return nil
}

// checkEngine accepts unix:///path and tcp://host:port.
func (s Source) checkEngine(path string) error {
	address, err := url.Parse(path)
	if err == nil && len(s.Paths) == 1 && address.User == nil && address.RawQuery == "" &&
		(address.Scheme == "unix" && address.Host == "" && filepath.IsAbs(address.Path) || address.Scheme == "tcp" && address.Port() != "" && address.Path == "") {
		return nil
	}
	return fmt.Errorf("a source of kind %s reads one address such as unix:///var/run/docker.sock or tcp://docker-proxy:2375: %w", s.Kind, errkind.Invalid)
}

// State is what was last recorded of a source.
type State struct {
	// Edition is the number of the settings: every change gives them another one.
	Edition  int64
	Revision int64
	// Listed reports that it was read at least once.
	Listed bool
	// Members are the tags that it brings.
	Members []Member
	// Found is all that was found at the last listing.
	Found []Found
	// Version is the text that names what was read, if its server has one.
	Version string
	// Doubt names the members that were gone at once, more than is believed; Confirmed
	// is the doubt that a person has confirmed.
	Doubt, Confirmed string
	// Problem is why it cannot be read, or is not believed, which is recorded by itself;
	// nil if all is well.
	Problem *condition.Problem
	// Waiting is why it is not known whether workloads run another image; nil if it is.
	Waiting *condition.Problem
	Checked time.Time
}

// Unconfirmed reports that more is gone at once than is believed, and that nobody has
// confirmed it yet.
func (s State) Unconfirmed() bool {
	return s.Doubt != "" && s.Confirmed != s.Doubt && s.Problem != nil && s.Problem.Stage == condition.StageConfirm
}

// Wrong is the Problem, unless a person has confirmed it, so that the next reading ends it.
func (s State) Wrong() *condition.Problem {
	if s.Problem != nil && s.Problem.Stage == condition.StageConfirm && !s.Unconfirmed() {
		return nil
	}
	return s.Problem
}

// Known is the version that is not to be read again; empty while a label asks for what is
// not there, which may come.
func (s State) Known() string {
	if slices.ContainsFunc(s.Found, func(f Found) bool { return f.Reason == BadLabel }) {
		return ""
	}
	return s.Version
}

// Leaving reports that the next reading ends a tag if it lacks it as well.
func (s State) Leaving() bool {
	return s.Doubt == "" && slices.ContainsFunc(s.Members, func(m Member) bool { return m.Missing > 0 })
}

// Member is a tag that a source brings.
type Member struct {
	// Target is what is watched, under the name by which it is.
	Target image.Target
	// Settings names those that its subscriptions were made with.
	Settings string
	// Missing is how many listings in a row have lacked it.
	Missing int
}

// Listing is what one listing came to. Its lists may be cut.
type Listing struct {
	// Added are tags that the source brings from now on, Ended those that it no longer
	// does.
	Added []image.Target
	Ended []image.Target
	// Watchers of Renewed find other subscriptions.
	Renewed []image.Target
	// Endpoints have deliveries of what workloads started to run.
	Endpoints   []string
	Tags        int // that the source brings
	NotFollowed int // references that are not
	Active      bool
	List        time.Duration // until the next listing
	Problem     *condition.Problem
}

// settings names everything that a tag's subscriptions are made with.
func (s Source) settings(w want) string {
	text, err := json.Marshal(s.subscriptions(w, image.Target{}, time.Time{}))
	if err != nil { // of nothing that it is made of
		return ""
	}
	sum := sha256.Sum256(append(text, s.interval(w).String()...))
	return hex.EncodeToString(sum[:8])
}

func (s Source) interval(w want) time.Duration {
	if w.choices.Interval != 0 {
		return w.choices.Interval
	}
	return s.Poll
}

// subscriptions are those of one tag.
func (s Source) subscriptions(w want, target image.Target, now time.Time) (list []subscription.Subscription) {
	options, types := s.Options, s.Types
	if len(w.choices.Types) > 0 {
		types = w.choices.Types
	}
	if len(w.choices.Endpoints) > 0 {
		options.Endpoints = w.choices.Endpoints
	}
	if w.choices.When != "" {
		options.When = w.choices.When
	}
	options.Pin = w.pin
	for _, t := range types {
		list = append(list, subscription.Subscription{Target: target, Type: t, Active: true, Options: options, Source: s.Name, Created: now, Updated: now})
	}
	return list
}
