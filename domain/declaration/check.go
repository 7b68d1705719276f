package declaration

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// Declared is a document that was read and checked.
type Declared struct {
	Owner  string
	Things []Thing
}

// Read reads a document from its files. readBundle reads a file with a bundle, named as the
// document does; known are the names of stored endpoints. If anything is wrong, the error
// is Faults with all of it.
func Read(files []File, readBundle func(from Place, name string) ([]byte, error), known []string) (Declared, error) {
	r := reader{readBundle: readBundle, places: map[Key]Place{}, watched: map[Key]int{}, endpoints: map[string]bool{}}
	for _, name := range known {
		r.endpoints[name] = true
	}
	var documents []located
	for _, file := range files {
		document, faults := readFile(file)
		r.faults = append(r.faults, faults...)
		if faults == nil {
			documents = append(documents, document)
		}
	}
	for _, d := range documents {
		for _, e := range d.Endpoints {
			r.endpoints[e.Name] = true
		}
	}
	for _, d := range documents {
		if r.declared.Owner != "" && r.declared.Owner != d.Owner {
			r.faults = append(r.faults, d.fault([]string{"owner"}, fmt.Sprintf("owner %q differs from %q of another file; apply the files of each owner by themselves", d.Owner, r.declared.Owner)))
		}
		r.declared.Owner = cmp.Or(r.declared.Owner, d.Owner)
		r.add(d)
	}
	if len(r.faults) > 0 {
		return Declared{}, r.faults
	}
	return r.declared, nil
}

// Named is a file that a document names.
type Named struct {
	From Place
	File string
}

// Bundles are the files with policy bundles that a document names, as far as its own files
// can be read: what is wrong with these is for Read to say.
func Bundles(files []File) (named []Named) {
	for _, file := range files {
		document, _ := readFile(file)
		for i, p := range document.Policies {
			if p.File != "" {
				named = append(named, Named{document.place([]string{"policies", strconv.Itoa(i)}), p.File})
			}
		}
	}
	return named
}

type reader struct {
	declared   Declared
	faults     Faults
	readBundle func(Place, string) ([]byte, error)
	places     map[Key]Place
	watched    map[Key]int // indexes of subscriptions
	endpoints  map[string]bool
	active     *Place
}

func (r *reader) fault(d located, err error, path ...string) {
	for line := range strings.Lines(errkind.Text(err)) {
		r.faults = append(r.faults, d.fault(path, strings.TrimSuffix(line, "\n")))
	}
}

func (r *reader) add(d located) {
	for i, e := range d.Endpoints {
		settings, path := e.Settings(), []string{"endpoints", strconv.Itoa(i)}
		if err := settings.Validate(); err != nil {
			r.fault(d, err, path...)
		}
		r.thing(d, Thing{Key: Key{OfEndpoint, e.Name}, Endpoint: &settings}, path)
	}
	for i, p := range d.Policies {
		r.policy(d, p, []string{"policies", strconv.Itoa(i)})
	}
	for i, a := range d.Acceptances {
		decision, path := a.Decision(), []string{"acceptances", strconv.Itoa(i)}
		if err := decision.Validate(); err != nil {
			r.fault(d, err, path...)
		}
		r.thing(d, Thing{Key: KeyOfAcceptance(decision), Acceptance: &decision}, path)
	}
	for i, each := range d.Repositories {
		settings, path := each.Settings(), []string{"repositories", strconv.Itoa(i)}
		if err := settings.Filter.Validate(); err != nil {
			r.fault(d, err, append(path, "filter")...)
		}
		r.interval(d, settings.Poll, append(slices.Clone(path), "interval"))
		r.interval(d, settings.List, append(slices.Clone(path), "list_interval"))
		r.options(d, settings.Options, path)
		r.thing(d, Thing{Key: KeyOfRepository(settings.Name), Repository: &settings}, path)
	}
	for i, each := range d.Sources {
		settings, path := each.Settings(), []string{"sources", strconv.Itoa(i)}
		if err := settings.Validate(r.existing()); err != nil {
			r.fault(d, err, path...)
		}
		r.thing(d, Thing{Key: Key{OfSource, settings.Name}, Source: &settings}, path)
	}
	for i, each := range d.Subscriptions {
		path := []string{"subscriptions", strconv.Itoa(i)}
		r.interval(d, time.Duration(each.Interval), append(slices.Clone(path), "interval"))
		r.options(d, each.Options, path)
		for j, tag := range each.Tags {
			r.tag(d, each, tag, append(slices.Clone(path), "tags", strconv.Itoa(j)))
		}
	}
}

func (r *reader) thing(d located, t Thing, path []string) {
	t.Place = d.place(path)
	if first, twice := r.places[t.Key]; twice {
		r.fault(d, fmt.Errorf("%s %s is declared at %s already; remove one", t.Kind, t.Name, first), path...)
		return
	}
	r.places[t.Key] = t.Place
	r.declared.Things = append(r.declared.Things, t)
}

func (r *reader) policy(d located, p Policy, path []string) {
	content := []byte(p.Bundle)
	if p.File != "" {
		var err error
		if content, err = r.readBundle(d.place(path), p.File); err != nil {
			r.fault(d, err, append(path, "file")...)
			return
		}
	}
	bundle, problems := policy.Parse(content)
	if !policy.Valid(problems) {
		for _, problem := range problems {
			if problem.Severity == policy.Error {
				r.fault(d, fmt.Errorf("%s%s", cmp.Or(p.File, "bundle")+": ", strings.TrimPrefix(problem.String(), "error: ")), path...)
			}
		}
		return
	}
	document, err := bundle.MarshalJSON()
	if err != nil {
		r.fault(d, err, path...)
		return
	}
	if p.Active {
		if r.active != nil {
			r.fault(d, fmt.Errorf("another bundle is active already, at %s; only one can be", *r.active), append(path, "active")...)
		}
		place := d.place(path)
		r.active = &place
	}
	r.thing(d, Thing{Key: Key{OfPolicy, bundle.ID}, Bundle: &Bundle{bundle.ID, bundle.Name, bundle.Hash(), document, p.Active}}, path)
}

func (r *reader) interval(d located, interval time.Duration, path []string) {
	if interval != 0 && interval < subscription.ShortestPoll {
		r.fault(d, fmt.Errorf("interval %s is too short: the shortest is %s", interval, subscription.ShortestPoll), path...)
	}
}

// existing are endpoints of all names that may be used.
func (r *reader) existing() (endpoints []endpoint.Endpoint) {
	for name := range r.endpoints {
		endpoints = append(endpoints, endpoint.Endpoint{Name: name})
	}
	return endpoints
}

func (r *reader) options(d located, o subscription.Options, path []string) {
	path = append(slices.Clone(path), "options")
	if err := (subscription.Request{Targets: make([]image.Target, 1), Types: notification.TagTypes, Options: subscription.Options{Dockerfile: o.Dockerfile}}).Validate(nil); err != nil {
		r.fault(d, err, append(slices.Clone(path), "dockerfile")...)
	}
	for i, name := range o.Endpoints {
		if !r.endpoints[name] {
			r.fault(d, fmt.Errorf("endpoint %q is neither declared nor stored; declare it under endpoints", name), append(slices.Clone(path), "endpoints", strconv.Itoa(i))...)
		}
	}
	if o.When != "" {
		if _, err := filter.Compile(o.When); err != nil {
			r.fault(d, err, append(slices.Clone(path), "when")...)
		}
	}
	if err := endpoint.ValidateLabels(o.Labels); err != nil {
		r.fault(d, err, append(slices.Clone(path), "labels")...)
	}
}

// tag adds the subscriptions of an item to those of its tag.
func (r *reader) tag(d located, item Subscription, text string, path []string) {
	target, pin, err := image.ParsePinned(text)
	if err != nil {
		r.fault(d, err, path...)
		return
	}
	options := item.Options
	options.Pin = pin
	key := KeyOfTarget(target)
	at, found := r.watched[key]
	if !found {
		r.watched[key] = len(r.declared.Things)
		r.thing(d, Thing{Key: key, Watched: &Watched{target, map[notification.Type]subscription.Options{}, time.Duration(item.Interval)}}, path)
		at = r.watched[key]
	}
	watched := r.declared.Things[at].Watched
	for _, t := range typesMeant(item.Types) {
		if _, twice := watched.Types[t]; twice {
			r.fault(d, fmt.Errorf("%s of %s is declared at %s already; remove one", t, text, r.places[key]), path...)
			return
		}
		watched.Types[t] = options
	}
	if item.Interval != 0 && watched.Poll != 0 && time.Duration(item.Interval) != watched.Poll {
		r.fault(d, fmt.Errorf("the interval of %s differs from that at %s; a tag has one", text, r.places[key]), path...)
	}
	watched.Poll = cmp.Or(watched.Poll, time.Duration(item.Interval))
}
