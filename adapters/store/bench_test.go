package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// A fleet like a company's: its images share most of their packages.
const (
	fleetImages   = 500
	fleetPackages = 4000
	imagePackages = 240
)

// eachEngine is each for benchmarks, with a fleet.
func eachEngine(b *testing.B, bench func(b *testing.B, s *store.Store, ids map[string]int64)) {
	urls := map[string]func() string{"sqlite": func() string { return "sqlite://" + filepath.Join(b.TempDir(), "tagwatch.db") }}
	if server := os.Getenv(storetest.Server); server != "" {
		urls["postgres"] = func() string { return storetest.Create(b, server) }
	}
	for name, url := range urls {
		b.Run(name, func(b *testing.B) {
			s := open(b, url())
			bench(b, s, fleet(b, s))
		})
	}
}

// fleet stores images, each with a target, matched against sha256:g1.
func fleet(b *testing.B, s *store.Store) map[string]int64 {
	ctx := b.Context()
	advance(b, s, "", "sha256:g1", nil)
	random := rand.New(rand.NewPCG(1, 2))
	var subs []subscription.Subscription
	for i := range fleetImages {
		names := make([]string, imagePackages)
		for j := range names {
			names[j] = fmt.Sprintf("package-%d", min(random.IntN(fleetPackages), random.IntN(fleetPackages)))
		}
		slices.Sort(names)
		names = slices.Compact(names)
		check(b, s.SaveImage(ctx, inventory(digest(i), names...), nil, "syft 1", start))
		check(b, s.SaveGroups(ctx, digest(i), matcher, groups(names...)))
		subs = append(subs, newSubscription(target(b, fmt.Sprintf("registry.example/app-%d:v1", i)), notification.VulnUpdate))
	}
	check(b, s.Subscribe(ctx, subs, 0, start))
	for i, sub := range subs {
		check(b, s.Record(ctx, sub.Target, func(watch.RecordView) (watch.Decision, error) {
			return watch.Decision{State: watch.State{Revision: 1, Analyzed: digest(i)}}, nil
		}))
	}
	ids := map[string]int64{}
	every, _, err := s.Touched(ctx, 0, vuln.Delta{All: true}, "", "")
	check(b, err)
	stored, err := s.Groups(ctx, every)
	check(b, err)
	for _, g := range stored {
		ids[strings.TrimPrefix(g.Fingerprint, "fingerprint-")] = g.ID
	}
	check(b, s.SaveFindings(ctx, "sha256:g1", matcher, matchAll(ids, "first"), start))
	return ids
}

// matchAll gives each package five findings with as much text as real ones.
func matchAll(ids map[string]int64, text string) map[int64][]vuln.GroupFinding {
	found := make(map[int64][]vuln.GroupFinding, len(ids))
	for name, id := range ids {
		for i := range 5 {
			f := finding(fmt.Sprintf("CVE-2026-%d", i), name, vuln.Severities[i])
			f.Description = text + strings.Repeat(" of what an attacker may do with "+name, 10)
			f.URLs = []string{"https://tracker.example/" + f.ID, "https://advisories.example/" + name}
			found[id] = append(found[id], f)
		}
	}
	return found
}

// BenchmarkUpdate is an ordinary day's: check all groups, match 30 again, find
// the targets to tell.
func BenchmarkUpdate(b *testing.B) {
	eachEngine(b, func(b *testing.B, s *store.Store, ids map[string]int64) {
		ctx := b.Context()
		touched, next := map[string]int64{}, vuln.NewSums(1)
		for i := range 30 {
			name := fmt.Sprintf("package-%d", i*100)
			touched[name] = ids[name]
			next.Add(vuln.NameKey(name), vuln.Sum{Low: 1})
		}
		delta := vuln.Changed(vuln.NewSums(1), next)
		from := "sha256:g1"
		for n := 0; b.Loop(); n++ {
			to := fmt.Sprintf("sha256:update-%d", n)
			found, _, err := s.Touched(ctx, 0, delta, to, matcher)
			check(b, err)
			must[[]databuild.StoredGroup](b)(s.Groups(ctx, found))
			advance(b, s, from, to, findings(touched, fmt.Sprintf("CVE-2027-%d", n)))
			affected := must[[]watch.Outcome](b)(s.Outcomes(ctx, watch.OutcomeFilter{Build: to}))
			b.ReportMetric(float64(len(affected)), "targets")
			from = to
		}
	})
}

// BenchmarkEverything matches all groups again, with news about each.
func BenchmarkEverything(b *testing.B) {
	eachEngine(b, func(b *testing.B, s *store.Store, ids map[string]int64) {
		from := "sha256:g1"
		for n := 0; b.Loop(); n++ {
			to := fmt.Sprintf("sha256:update-%d", n)
			advance(b, s, from, to, matchAll(ids, to))
			from = to
		}
		b.ReportMetric(float64(len(ids)), "groups")
	})
}

// BenchmarkSubject reads all that one evaluation needs.
func BenchmarkSubject(b *testing.B) {
	eachEngine(b, func(b *testing.B, s *store.Store, _ map[string]int64) {
		reference := target(b, "registry.example/app-1:v1").Reference
		for n := 0; b.Loop(); n++ {
			subject, err := s.Subject(b.Context(), image.Target{Reference: reference}, digest(n%fleetImages))
			check(b, err)
			b.ReportMetric(float64(len(subject.Matches)), "matches")
		}
	})
}

// BenchmarkRecord stores a state with its vulnerabilities.
func BenchmarkRecord(b *testing.B) {
	eachEngine(b, func(b *testing.B, s *store.Store, ids map[string]int64) {
		var list []vuln.Finding
		for _, found := range matchAll(ids, "recorded") {
			for _, f := range found {
				list = append(list, f.Finding)
			}
			if len(list) >= 1000 {
				break
			}
		}
		app := target(b, "registry.example/app-1:v1")
		for b.Loop() {
			check(b, s.Record(b.Context(), app, func(view watch.RecordView) (watch.Decision, error) {
				state := view.State
				state.Revision, state.Vulnerabilities, state.Changed = state.Revision+1, list, state.Changed.Add(time.Second)
				return watch.Decision{State: state}, nil
			}))
		}
	})
}
