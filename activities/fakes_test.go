package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// analyzer finds in an image what it was notified is in it.
type analyzer struct {
	mu       sync.Mutex
	version  string
	packages map[image.Digest][]string
	layers   map[image.Digest]string // what identifies them
	failures map[image.Digest]error
	analyses []image.Digest
	reused   []image.Digest
	during   func() // an analysis
}

func newAnalyzer() *analyzer {
	return &analyzer{version: "analyzer 1", packages: map[image.Digest][]string{}, layers: map[image.Digest]string{}, failures: map[image.Digest]error{}, during: func() {}}
}

func (a *analyzer) finds(digest image.Digest, packages ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.packages[digest] = packages
}

func (a *analyzer) Version() string { return a.version }

func (a *analyzer) Analyze(ctx context.Context, _ image.Repository, digest image.Digest, known func(context.Context, string) (*sbom.Inventory, []byte, error), report func(string)) (*sbom.Inventory, []byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	report("reading layers")
	earlier, document, err := known(ctx, a.layers[digest])
	if err == nil {
		a.reused = append(a.reused, digest)
		reused := *earlier
		reused.Digest = digest
		return &reused, document, nil
	}
	if !errors.Is(err, errkind.NotFound) {
		return nil, nil, err
	}
	a.analyses = append(a.analyses, digest)
	a.during()
	if err := errors.Join(ctx.Err(), a.failures[digest]); err != nil {
		return nil, nil, err
	}
	inventory := &sbom.Inventory{Digest: digest, FileSystem: a.layers[digest], ImageID: digest.Hex(), OS: "linux", Architecture: "amd64"}
	for _, text := range a.packages[digest] {
		name, version, _ := strings.Cut(text, " ")
		inventory.Packages = append(inventory.Packages, sbom.Package{ID: text, Name: name, Version: version, Type: "deb"})
	}
	document, err = json.Marshal(a.packages[digest])
	return inventory, document, err
}

// matcher knows, for each build, the findings of packages.
type matcher struct {
	mu      sync.Mutex
	version vuln.Matcher
	data    map[string]map[string][]vuln.Finding // by build, then by package
	scores  map[string][]vuln.Score              // by build
	broken  map[string]bool                      // packages that cannot be matched
	lacks   map[string]bool                      // builds without data about the distribution of all images
	ends    map[string]time.Time                 // its end of life, by build
	matched []string
	// released is what stayed open at the last Release.
	released []string
	during   func() // a call of Match, once
}

func newMatcher(version vuln.Matcher) *matcher {
	return &matcher{version: version, data: map[string]map[string][]vuln.Finding{}, scores: map[string][]vuln.Score{}, broken: map[string]bool{}, lacks: map[string]bool{}, ends: map[string]time.Time{}}
}

// knows adds a vulnerability of a package, as "name version", to a build.
func (m *matcher) knows(build, pkg string, findings ...vuln.Finding) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.data[build] == nil {
		m.data[build] = map[string][]vuln.Finding{}
	}
	name, version, _ := strings.Cut(pkg, " ")
	for _, f := range findings {
		f.Package = vuln.Package{Name: name, Version: version, Type: "deb"}
		m.data[build][pkg] = append(m.data[build][pkg], f)
	}
}

func (m *matcher) Version() vuln.Matcher {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version
}

func (m *matcher) Groups(document []byte) ([]vuln.Group, vuln.Distribution, error) {
	var packages []string
	if err := json.Unmarshal(document, &packages); err != nil {
		return nil, "", err
	}
	var groups []vuln.Group
	for _, pkg := range packages {
		name, _, _ := strings.Cut(pkg, " ")
		groups = append(groups, vuln.Group{Fingerprint: pkg, Document: []byte(pkg), Keys: []string{name}, Artifacts: [][]string{{pkg}}})
	}
	return groups, distribution, nil
}

// distribution is that of all images and packages.
const distribution vuln.Distribution = "debian 10"

func (m *matcher) Dataless(_ context.Context, checksum string, groups []vuln.Group) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Repeat([]bool{m.lacks[checksum]}, len(groups)), nil
}

func (m *matcher) Coverage(_ context.Context, checksum string, distributions []vuln.Distribution) (map[vuln.Distribution]vuln.Coverage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[vuln.Distribution]vuln.Coverage{}
	for _, each := range distributions {
		found[each] = vuln.Coverage{State: vuln.Covered, Distribution: string(each), EndOfLife: m.ends[checksum]}
		if m.lacks[checksum] {
			found[each] = vuln.Coverage{State: vuln.NotCovered, Distribution: string(each), Reason: "the data has nothing about " + string(each)}
		}
	}
	return found, nil
}

func (m *matcher) Match(ctx context.Context, checksum string, groups []vuln.Group) ([][]vuln.GroupFinding, error) {
	m.interrupt()
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var failures vuln.GroupFailures
	lists := make([][]vuln.GroupFinding, len(groups))
	for i, group := range groups {
		pkg := string(group.Document)
		m.matched = append(m.matched, pkg)
		if m.broken[pkg] {
			failures = append(failures, vuln.GroupFailure{Group: i, Fingerprint: pkg, Err: fmt.Errorf("%s has no version: %w", pkg, errkind.Invalid)})
			continue
		}
		for _, f := range m.data[checksum][pkg] {
			lists[i] = append(lists[i], vuln.GroupFinding{Finding: f})
		}
	}
	if failures != nil {
		return lists, failures
	}
	return lists, nil
}

// Packages of a group is the one that its document names.
func (m *matcher) Packages(document []byte) ([]vuln.Package, error) {
	name, version, _ := strings.Cut(string(document), " ")
	return []vuln.Package{{Name: name, Version: version, Type: "deb", PURL: "pkg:deb/" + name + "@" + version}}, nil
}

func (m *matcher) Release(keep ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.released = slices.Sorted(slices.Values(keep))
	return nil
}

// interrupt lets a test do something while packages are being matched.
func (m *matcher) interrupt() {
	m.mu.Lock()
	during := m.during
	m.during = nil
	m.mu.Unlock()
	if during != nil {
		during()
	}
}

// Digest is the sums of what the build says about each package's name.
func (m *matcher) Digest(_ context.Context, checksum string) (*vuln.Sums, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sums := vuln.NewSums(1)
	for pkg, findings := range m.data[checksum] {
		name, _, _ := strings.Cut(pkg, " ")
		for _, f := range findings {
			var row vuln.Sum
			for i, letter := range []byte(pkg + f.ContentHash()) {
				row.Low += uint64(letter) * uint64(i+1)
			}
			sums.Add(vuln.NameKey(name), row)
		}
	}
	return sums, nil
}

// feed is a source of builds and the worker's disk.
type feed struct {
	mu        sync.Mutex
	newest    vuln.Listing
	described map[string]vuln.Description
	failure   error // of the source
	fetched   []string
	kept      []string // at the last Prune
}

func newFeed() *feed { return &feed{described: map[string]vuln.Description{}} }

// offers makes a build the source's newest.
func (f *feed) offers(description vuln.Description) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.newest = vuln.Listing{Checksum: description.Checksum, URL: description.URL, Built: description.Built, Status: vuln.LifecycleActive}
	f.described[description.Checksum] = description
}

func (f *feed) Latest(context.Context) (vuln.Listing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest, f.failure
}

func (f *feed) Fetch(_ context.Context, listing vuln.Listing, report func(string)) (vuln.Build, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	report("fetching")
	f.fetched = append(f.fetched, listing.Checksum)
	return f.described[listing.Checksum].Build, f.failure
}

func (f *feed) Import(_ context.Context, file string) (vuln.Build, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, known := f.described[file]
	if !known {
		return vuln.Build{}, fmt.Errorf("import %s: no such file: %w", file, errkind.NotFound)
	}
	found.URL = ""
	return found.Build, nil
}

func (f *feed) Ensure(context.Context, vuln.Build) error { return nil }

func (f *feed) Describe(_ context.Context, checksum string) (vuln.Description, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.described[checksum], nil
}

func (f *feed) Prune(keep ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = slices.Sorted(slices.Values(keep))
	return nil
}

// Tidy spares nothing: everything has been here for long.
func (f *feed) Tidy(keep ...string) error { return f.Prune(keep...) }

// watchers remembers who was woken, as "poll app:1".
type watchers struct {
	mu      sync.Mutex
	woken   []string
	failure error
	failing func()       // each call that fails
	during  func(string) // each call
	room    func()       // each time that somebody waits for the workers
	running map[watcher.Kind][]string
	listed  map[watcher.Kind][]string // where the list lags behind what runs
	// labels are those of watchers that lack some; others have all.
	labels map[string]watcher.Running
	firsts map[string]watch.FirstRecord // that watchers began with
}

func (w *watchers) wake(who string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.failure; err != nil {
		if w.failing != nil {
			w.failing()
		}
		return err
	}
	w.woken = append(w.woken, who)
	if w.during != nil {
		w.during(who)
	}
	return nil
}

// take lists who was woken since it was last asked.
func (w *watchers) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.woken
	w.woken = nil
	return taken
}

func (w *watchers) WakeTag(_ context.Context, t image.Target, reason watcher.WakeReason) error {
	return w.wake(string(reason) + " " + short(t))
}

func (w *watchers) StartTag(_ context.Context, t image.Target, first watch.FirstRecord) error {
	w.mu.Lock()
	if w.firsts == nil {
		w.firsts = map[string]watch.FirstRecord{}
	}
	w.firsts[short(t)] = first
	w.mu.Unlock()
	return w.wake("start " + short(t))
}

func (w *watchers) WakeRegistry(context.Context, string, watcher.WakeReason) error {
	return w.wake("registry")
}

func (w *watchers) WakeEndpoint(_ context.Context, name string, _ watcher.WakeReason) error {
	return w.wake("endpoint " + name)
}

func (w *watchers) WakeSource(_ context.Context, name string, _ watcher.WakeReason) error {
	return w.wake("source " + name)
}

func (w *watchers) WakeRepository(_ context.Context, r image.Repository, _ watcher.WakeReason) error {
	return w.wake("repository " + r.Path)
}

func (w *watchers) Running(_ context.Context, kind watcher.Kind) (map[string]watcher.Running, error) {
	list := w.running[kind]
	if lagging, is := w.listed[kind]; is {
		list = lagging
	}
	names := map[string]watcher.Running{}
	for _, name := range list {
		names[name] = watcher.Running{Named: true, Outcome: true}
		if labels, lacks := w.labels[name]; lacks {
			names[name] = labels
		}
	}
	return names, w.failure
}

func (w *watchers) Runs(_ context.Context, kind watcher.Kind, name string) (bool, error) {
	return slices.Contains(w.running[kind], name), w.failure
}

func (w *watchers) Room(context.Context) error {
	if w.room != nil {
		w.room()
	}
	return w.failure
}

func (w *watchers) RequestAnalysis(_ context.Context, r analysis.Request) error {
	return w.wake("analysis " + short(r.Target))
}

func short(t image.Target) string {
	return strings.TrimPrefix(t.String(), t.Reference.Registry+"/")
}
