package activities_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/lib/pq"

	"github.com/tagwatch/tagwatch/activities"
	realfeed "github.com/tagwatch/tagwatch/adapters/feed"
	realmatcher "github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/vuln"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

const (
	libraryImages = 20 // matched one by one, to know what all would cost
	sampledImages = 50 // whose lists are compared with a full match
	commandImages = 5  // and with grype's command line
)

// feedSize is how much data there is, and how many packages they are matched with.
type feedSize struct {
	name   string
	filler labfeed.Filler
	fleetSize
}

// published is data as large as the published one.
var published = labfeed.Filler{Records: 500_000, Rows: 2_500_000, Scores: 200_000}

var feedSizes = []feedSize{
	{"small", labfeed.Filler{Records: 20_000, Rows: 100_000, Scores: 8000}, fleetSize{images: 1000, models: 100, updates: 2, releases: 2}},
	{"medium", published, fleetSize{images: 10_000, models: 250, updates: 6, releases: 10}},
	{"large", published, fleetSize{images: 100_000, models: 1000, updates: 24, releases: 50}},
}

// The budgets of an update.
const (
	dayBudget    = 12 * time.Second // CPU time for an ordinary day
	dayRatio     = 1.5              // between that of the largest and the smallest fleet with the same data
	matchBudget  = 2 * time.Millisecond
	memoryBudget = 700 << 20
)

// BenchmarkFeed measures what new data cost, beside what they would cost image by
// image, in one run on one machine. The moves are made by a process of their own. The
// result is compared with a full match and with grype's command line.
func BenchmarkFeed(b *testing.B) {
	days := map[string]time.Duration{}
	for _, size := range feedSizes {
		b.Run(size.name, func(b *testing.B) {
			images := newFleet(b, size.fleetSize)
			first, second := twoDays(b, size.filler, images.data())
			for name, database := range benchDatabases(b) {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						r := newFeedRun(b, images, database, first, second)
						images.save(b, database, r.store, r.matcher.Version(), time.Now())
						all, day := r.move()
						r.compare()
						r.report(all, day, r.library(), r.command(), r.affected())
						r.compareDays(days, name, size, day.CPU)
					}
				})
			}
		})
	}
}

// twoDays are builds of two days, the second an ordinary one after the first. They are
// kept in the temporary directory of the machine.
func twoDays(b *testing.B, filler labfeed.Filler, data []labfeed.Vulnerability) (first, second labfeed.Database) {
	b.Helper()
	cache := filepath.Join(os.TempDir(), "tagwatch-bench-data")
	built := time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)
	first, err := labfeed.BuildOnce(cache, built, filler, data...)
	mustBench(b, err)
	filler.Day++
	second, err = labfeed.BuildOnce(cache, built.Add(24*time.Hour), filler, anotherDay(data)...)
	mustBench(b, err)
	return first, second
}

// feedRun is the steps on a database, publishers of two days and a worker's disk.
type feedRun struct {
	*testing.B
	images  *fleet
	mover   mover
	store   *store.Store
	disk    *realfeed.Feed
	matcher *realmatcher.Matcher
	rig     *rig
}

func newFeedRun(b *testing.B, images *fleet, database string, builds ...labfeed.Database) *feedRun {
	r := &feedRun{B: b, images: images, mover: mover{Database: database, Disk: b.TempDir()}}
	for _, build := range builds {
		publisher, err := labfeed.New()
		mustBench(b, err)
		b.Cleanup(func() { publisher.Close() })
		mustBench(b, publisher.Publish(build))
		r.mover.Listings = append(r.mover.Listings, publisher.ListingURL())
	}
	var err error
	r.store, err = store.Open(b.Context(), database)
	mustBench(b, err)
	b.Cleanup(func() { _ = r.store.Close() })
	r.disk, err = realfeed.Open(r.mover.Disk, realfeed.Options{URL: r.mover.Listings[0]})
	mustBench(b, err)
	r.matcher = realmatcher.New(r.disk.Path)
	b.Cleanup(func() { _ = r.matcher.Close() })
	r.rig = stepsOf(r.store, r.disk, r.matcher)
	return r
}

// stepsOf are the steps of a worker.
func stepsOf(store *store.Store, disk *realfeed.Feed, matcher *realmatcher.Matcher) *rig {
	r := &rig{watchers: &watchers{}, steps: &activities.Activities{Store: store, Feed: disk, Matcher: matcher,
		Account: message.Account{Name: "admin"}, Log: slog.New(slog.DiscardHandler)}}
	r.steps.Watchers = r.watchers
	return r
}

// current is the build that the findings are of.
func (r *feedRun) current() string {
	state, err := r.store.Feed(r.Context())
	mustBench(r.B, err)
	return state.Current.Checksum
}

// compare holds what is stored of the packages that images have, and the lists of
// sampled images, to a full match.
func (r *feedRun) compare() {
	full := map[string][]vuln.GroupFinding{}
	all := map[string][]string{}
	for part := range slices.Chunk(r.images.groups, 1000) {
		found, err := r.matcher.Match(r.Context(), r.current(), part)
		mustBench(r.B, err)
		for i, group := range part {
			full[group.Fingerprint], all[group.Fingerprint] = found[i], hashes(found[i])
		}
	}
	want, got := map[string][]string{}, map[string][]string{}
	findings := 0
	every, _, err := r.store.Touched(r.Context(), 0, vuln.Delta{All: true}, "", "")
	mustBench(r.B, err)
	for ids := range slices.Chunk(every, 1000) {
		page, err := r.store.Groups(r.Context(), ids)
		mustBench(r.B, err)
		found, err := r.store.CurrentFindings(r.Context(), ids)
		mustBench(r.B, err)
		for _, group := range page {
			want[group.Fingerprint], got[group.Fingerprint] = all[group.Fingerprint], hashes(found[group.ID])
			findings += len(found[group.ID])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Fatalf("the update differs from a full match (-full +update):\n%s", diff)
	}
	r.Logf("the %d findings of %d packages are those of a full match", findings, len(got))
	r.compareLists(full)
}

func (r *feedRun) compareLists(full map[string][]vuln.GroupFinding) {
	lines := 0
	for n := range sampledImages {
		number := n * r.images.images / sampledImages
		var want []string
		for _, group := range r.images.groupsOf(number) {
			for _, f := range full[group.Fingerprint] {
				for _, artifact := range group.Artifacts[f.Member] {
					want = append(want, line(artifact, f.Finding))
				}
			}
		}
		if diff := cmp.Diff(sortedSet(want), r.listOf(number)); diff != "" {
			r.Fatalf("image %d: the list differs from a full match (-full +stored):\n%s", number, diff)
		}
		lines += len(want)
	}
	r.Logf("the lists of %d images with %d findings are those of a full match", sampledImages, lines)
}

// listOf is what is stored of an image.
func (r *feedRun) listOf(number int) (lines []string) {
	mustBench(r.B, r.rig.steps.Match(r.Context(), r.images.digestOf(number)))
	stored, err := r.store.Matches(r.Context(), r.images.digestOf(number))
	mustBench(r.B, err)
	for _, m := range stored {
		lines = append(lines, line(m.Artifact, m.Finding))
	}
	return sortedSet(lines)
}

// hashes are of all that findings say, in the order of the member and the hash.
func hashes(found []vuln.GroupFinding) []string {
	set := map[string]bool{}
	for _, f := range found {
		set[fmt.Sprint(f.Member, " ", f.ContentHash())] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// library is what matching image by image takes for one image.
func (r *feedRun) library() time.Duration {
	checksum := r.current()
	began := processCPU()
	for n := range libraryImages {
		_, err := r.matcher.Match(r.Context(), checksum, r.images.groupsOf(n*r.images.images/libraryImages))
		mustBench(r.B, err)
	}
	return (processCPU() - began) / libraryImages
}

// command is what grype's command line takes for one SBOM. Its lists are those
// that are stored.
func (r *feedRun) command() time.Duration {
	path, err := r.disk.Path(r.current())
	mustBench(r.B, err)
	var total time.Duration
	findings := 0
	for n := range commandImages {
		number := n * r.images.images / commandImages
		theirs, cpu := measureGrype(r.B, filepath.Dir(path), r.images.sbomOf(r.B, number))
		total += cpu
		if diff := cmp.Diff(sortedSet(theirs), r.listOf(number)); diff != "" {
			r.Fatalf("image %d: the list differs from the command line's (-command +stored):\n%s", number, diff)
		}
		findings += len(theirs)
	}
	r.Logf("the lists of %d images with %d findings are those of grype's command line", commandImages, findings)
	return total / commandImages
}

// standing is the answers to who is affected, and how long they took.
type standing struct {
	flaw              []store.AffectedTag
	pkg               []store.PlacedPackage
	flawTook, pkgTook time.Duration
}

func (r *feedRun) affected() (by standing) {
	library := r.images.libraries[3]
	query, err := vuln.ParsePackageQuery("pkg:npm/" + library.name + "@<" + library.version)
	mustBench(r.B, err)
	by.flawTook = soonest(func() {
		by.flaw, err = r.store.Affected(r.Context(), "CVE-2024-10003")
		mustBench(r.B, err)
	})
	by.pkgTook = soonest(func() {
		by.pkg, err = r.store.AffectedByPackage(r.Context(), query)
		mustBench(r.B, err)
	})
	return by
}

// soonest is how long something takes when nothing else is in the way.
func soonest(do func()) time.Duration {
	var least time.Duration
	for n := range 5 {
		began := time.Now()
		do()
		if took := time.Since(began); n == 0 || took < least {
			least = took
		}
	}
	return least
}

// report prints the figures and holds them to their budgets.
func (r *feedRun) report(all, day moved, library, command time.Duration, by standing) {
	images := time.Duration(r.images.images)
	r.Logf("%d images, %d package instances, %d distinct packages", images, images*(imageDebs+imageLibraries), len(r.images.groups))
	r.Logf("affected by a vulnerability: %d places in %s; by a package: %d in %s", len(by.flaw), by.flawTook, len(by.pkg), by.pkgTook)
	show := func(what string, cpu time.Duration) {
		r.Logf("%-72s %10.2f CPU s  %8.0f x", what, cpu.Seconds(), float64(cpu)/float64(day.CPU))
	}
	show("fetch, verify, index and judge a build", day.Fetch)
	show(fmt.Sprintf("an ordinary day: %d packages again, %d changed", day.Advanced.Groups, day.Advanced.Changed), day.CPU)
	show(fmt.Sprintf("  list the first %d tags to evaluate", day.Tags), day.Listing)
	show(fmt.Sprintf("every distinct package: %d", all.Advanced.Groups), all.CPU)
	show(fmt.Sprintf("the library image by image (from %d)", libraryImages), library*images)
	show(fmt.Sprintf("grype's command line for each SBOM (from %d)", commandImages), command*images)
	each := (all.CPU - day.CPU) / time.Duration(all.Advanced.Groups)
	r.Logf("every distinct package: %s each; peak memory %d MiB for fetching, %d MiB for an ordinary day, %d MiB for every package",
		each, day.FetchPeak>>20, day.Peak>>20, all.Peak>>20)
	r.ReportMetric(day.CPU.Seconds(), "day-CPU-s")
	r.ReportMetric(float64(each.Microseconds()), "µs/package")
	r.ReportMetric(float64(max(all.Peak, day.Peak)>>20), "MiB-peak")
	r.ReportMetric(float64(library*images)/float64(day.CPU), "library/day")
	r.ReportMetric(float64(command*images)/float64(day.CPU), "grype/day")
	if day.CPU > dayBudget || each > matchBudget || max(all.Peak, day.Peak) > memoryBudget {
		r.Errorf("over budget: a day takes %s of CPU time at most, a package %s, the process %d MiB", dayBudget, matchBudget, memoryBudget>>20)
	}
	if len(by.flaw) == 0 || len(by.pkg) == 0 || by.flawTook > 100*time.Millisecond || by.pkgTook > 100*time.Millisecond {
		r.Errorf("over budget: who is affected is answered within 100 ms")
	}
}

// compareDays holds the days of fleets of other sizes with the same data together.
func (r *feedRun) compareDays(days map[string]time.Duration, database string, size feedSize, cpu time.Duration) {
	key := fmt.Sprint(database, size.filler)
	if other, found := days[key]; found {
		ratio := max(cpu.Seconds()/other.Seconds(), other.Seconds()/cpu.Seconds())
		r.ReportMetric(ratio, "day-ratio")
		if ratio > dayRatio {
			r.Errorf("over budget: a day took %s, and with another fleet %s, more than %.1f times as much or as little", cpu, other, dayRatio)
		}
	}
	days[key] = cpu
}

// processCPU is the CPU time that this process has taken.
func processCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it has no reason to fail
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// benchDatabases are SQLite and, where TAGWATCH_TEST_POSTGRES names a server,
// PostgreSQL.
func benchDatabases(b testing.TB) map[string]string {
	b.Helper()
	found := map[string]string{"SQLite": "sqlite://" + filepath.Join(b.TempDir(), "tagwatch.db")}
	server := os.Getenv("TAGWATCH_TEST_POSTGRES")
	if server == "" {
		return found
	}
	admin, err := sql.Open("postgres", server)
	mustBench(b, err)
	name := strings.ToLower(fmt.Sprintf("bench_%d", time.Now().UnixNano()))
	_, err = admin.ExecContext(b.Context(), "CREATE DATABASE "+name)
	mustBench(b, err)
	b.Cleanup(func() {
		_, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		mustBench(b, err)
		mustBench(b, admin.Close())
	})
	address, err := url.Parse(server)
	mustBench(b, err)
	address.Path = "/" + name
	found["PostgreSQL"] = address.String()
	return found
}
