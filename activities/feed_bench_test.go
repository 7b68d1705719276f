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
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

const (
	libraryImages = 20 // matched one by one, to know what all would cost
	commandImages = 5
)

// BenchmarkFeed measures what new data cost with ten thousand images, beside
// what they would cost image by image, in one run on one machine. The update's
// result is compared with a full match.
func BenchmarkFeed(b *testing.B) {
	images := newFleet(b)
	data := images.data()
	yesterday := time.Now().Add(-24 * time.Hour)
	filler := fleetFiller
	first, err := labfeed.BuildLarge(b.TempDir(), yesterday, filler, data...)
	mustBench(b, err)
	filler.Day++
	second, err := labfeed.BuildLarge(b.TempDir(), yesterday.Add(time.Hour), filler, anotherDay(data)...)
	mustBench(b, err)
	for name, database := range benchDatabases(b) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := newFeedRun(b, images, database)
				r.publish(first)
				images.save(b, r.store, r.matcher.Version(), time.Now())
				all := r.advance()
				r.publish(second)
				day := r.advance()
				r.compare()
				r.report(all, day, r.library(), r.command(), r.affected())
			}
		})
	}
}

// feedRun is the steps on a database, a publisher and a worker's disk.
type feedRun struct {
	*testing.B
	images    *fleet
	store     *store.Store
	publisher *labfeed.Feed
	disk      *realfeed.Feed
	matcher   *realmatcher.Matcher
	rig       *rig
}

func newFeedRun(b *testing.B, images *fleet, database string) *feedRun {
	r := &feedRun{B: b, images: images}
	var err error
	r.store, err = store.Open(b.Context(), database)
	mustBench(b, err)
	b.Cleanup(func() { _ = r.store.Close() })
	r.publisher, err = labfeed.New()
	mustBench(b, err)
	b.Cleanup(func() { r.publisher.Close() })
	r.disk, err = realfeed.Open(b.TempDir(), realfeed.Options{URL: r.publisher.ListingURL()})
	mustBench(b, err)
	r.matcher = realmatcher.New(r.disk.Path)
	b.Cleanup(func() { _ = r.matcher.Close() })
	r.rig = &rig{watchers: &watchers{}, steps: &activities.Activities{Store: r.store, Feed: r.disk, Matcher: r.matcher,
		Account: message.Account{Name: "admin"}, Log: slog.New(slog.DiscardHandler)}}
	r.rig.steps.Watchers = r.rig.watchers
	return r
}

// publish makes a database the newest.
func (r *feedRun) publish(database labfeed.Database) {
	mustBench(r.B, r.publisher.Publish(database))
}

// cost is what a move to other data takes from the verified database to the
// list of tags to tell.
type cost struct {
	cpu, wall time.Duration
	advanced  databuild.Advanced
	tags      int
}

func (r *feedRun) advance() cost {
	fetched := answer[databuild.Fetched](r, r.rig.steps.FetchFeed, databuild.SyncRequest{})
	if fetched.Build == nil {
		r.Fatalf("nothing to move to: %+v", fetched)
	}
	began, cpu := time.Now(), processCPU()
	c := cost{advanced: answer[databuild.Advanced](r, r.rig.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current})}
	affected, err := r.store.Outcomes(r.Context(), watch.OutcomeFilter{Build: c.advanced.Build})
	mustBench(r.B, err)
	c.tags = len(affected)
	c.cpu, c.wall = processCPU()-cpu, time.Since(began)
	return c
}

// answer runs a step as a worker does.
func answer[Out any](r *feedRun, step, in any) (out Out) {
	r.Helper()
	env := environment(r.rig, context.Background())
	env.SetTestTimeout(10 * time.Minute)
	value, err := env.ExecuteActivity(step, in)
	mustBench(r.B, err)
	mustBench(r.B, value.Get(&out))
	return out
}

// current is the build that the findings are of.
func (r *feedRun) current() string {
	state, err := r.store.Feed(r.Context())
	mustBench(r.B, err)
	return state.Current.Checksum
}

// compare holds what is stored of the packages that images have to a full match.
func (r *feedRun) compare() {
	full, err := r.matcher.Match(r.Context(), r.current(), r.images.groups)
	mustBench(r.B, err)
	all := map[string][]string{}
	for i, found := range full {
		all[r.images.groups[i].Fingerprint] = hashes(found)
	}
	want, got := map[string][]string{}, map[string][]string{}
	for after := int64(0); ; {
		page, err := r.store.Groups(r.Context(), after, 1000)
		mustBench(r.B, err)
		if len(page) == 0 {
			break
		}
		ids := make([]int64, len(page))
		for i, group := range page {
			ids[i], after = group.ID, group.ID
		}
		found, err := r.store.CurrentFindings(r.Context(), ids)
		mustBench(r.B, err)
		for _, group := range page {
			want[group.Fingerprint], got[group.Fingerprint] = all[group.Fingerprint], hashes(found[group.ID])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Fatalf("the update differs from a full match (-full +update):\n%s", diff)
	}
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
		_, err := r.matcher.Match(r.Context(), checksum, r.images.groupsOf(n*fleetImages/libraryImages))
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
		number := n * fleetImages / commandImages
		theirs, cpu := measureGrype(r.B, filepath.Dir(path), r.images.sbomOf(r.B, number))
		total += cpu
		mustBench(r.B, r.rig.steps.Match(r.Context(), digestOf(number)))
		stored, err := r.store.Matches(r.Context(), digestOf(number))
		mustBench(r.B, err)
		var ours []string
		for _, m := range stored {
			ours = append(ours, line(m.Artifact, m.Finding))
		}
		if diff := cmp.Diff(sortedSet(theirs), sortedSet(ours)); diff != "" {
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

// report prints the figures and holds them to their rate limits.
func (r *feedRun) report(all, day cost, library, command time.Duration, by standing) {
	r.Logf("%d images, %d package instances, %d distinct packages", fleetImages, fleetImages*(imageDebs+imageLibraries), len(r.images.groups))
	r.Logf("affected by a vulnerability: %d places in %s; by a package: %d in %s", len(by.flaw), by.flawTook, len(by.pkg), by.pkgTook)
	show := func(what string, cpu time.Duration) {
		r.Logf("%-58s %10.2f CPU s  %8.0f x", what, cpu.Seconds(), float64(cpu)/float64(day.cpu))
	}
	show(fmt.Sprintf("an ordinary day: %d packages again, %d changed, %d tags", day.advanced.Groups, day.advanced.Changed, day.tags), day.cpu)
	show(fmt.Sprintf("every distinct package: %d", all.advanced.Groups), all.cpu)
	show(fmt.Sprintf("the library image by image (from %d)", libraryImages), library*fleetImages)
	show(fmt.Sprintf("grype's command line for each SBOM (from %d)", commandImages), command*fleetImages)
	r.ReportMetric(day.cpu.Seconds(), "day-CPU-s")
	r.ReportMetric(all.cpu.Seconds(), "all-CPU-s")
	r.ReportMetric(float64(library*fleetImages)/float64(day.cpu), "library/day")
	r.ReportMetric(float64(command*fleetImages)/float64(day.cpu), "grype/day")
	if day.cpu > 6*time.Second || all.cpu > 30*time.Second || library*fleetImages < 100*day.cpu {
		r.Errorf("over rate limit: a day takes 6 CPU seconds at most, everything 30, and the library a hundred times as much as a day")
	}
	if len(by.flaw) == 0 || len(by.pkg) == 0 || by.flawTook > 100*time.Millisecond || by.pkgTook > 100*time.Millisecond {
		r.Errorf("over rate limit: who is affected is answered within 100 ms")
	}
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
