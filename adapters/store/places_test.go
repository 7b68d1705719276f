package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// TestPlaces: pages of any size, forward and backward, are all places of a package and of
// a vulnerability, also if it has more groups than one query reads.
func TestPlaces(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		var want []string
		for n := range 3 {
			var held []vuln.Group
			for version := range 120 {
				held = append(held, module("lodash", strings.Repeat("1", n+1)+"."+strings.Repeat("2", version+1)))
			}
			check(t, s.SaveImage(ctx, inventory(digest(n)), nil, "syft 1", start))
			check(t, s.SaveGroups(ctx, digest(n), matcher, append(held, module("express", "4"))))
			for _, tag := range []string{"a", "b"} {
				name := target(t, "registry.example/app"+string(rune('0'+n))+":"+tag)
				check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(name, notification.VulnUpdate)}, 0, start))
				check(t, s.Record(ctx, name, func(watch.RecordView) (watch.Decision, error) {
					return watch.Decision{State: watch.State{Revision: 1, Analyzed: digest(n)}}, nil
				}))
				for range held {
					want = append(want, name.String())
				}
			}
		}
		read := func(page store.PlacePage) []store.Place {
			return must[[]store.Place](t)(s.PackagePlaces(ctx, "lodash", nil, page))
		}
		for _, limit := range []int{7, 400, 1000} {
			var forward, backward []string
			page := store.PlacePage{Limit: limit}
			for found := read(page); len(found) > 0; found = read(page) {
				for _, place := range found {
					forward, page.After = append(forward, place.Target.String()), place.Key()
					if len(place.Packages) != 1 || place.Packages[0].Name != "lodash" {
						t.Fatalf("%+v", place)
					}
				}
			}
			backward, page = append(backward, forward[len(forward)-1]), store.PlacePage{Before: page.After, Limit: limit}
			for found := read(page); len(found) > 0; found = read(page) {
				for _, place := range slices.Backward(found) {
					backward = append(backward, place.Target.String())
				}
				page.Before = found[0].Key()
			}
			slices.Reverse(backward)
			if diff := cmp.Diff(want, forward); diff != "" {
				t.Errorf("by %d (-want +got):\n%s", limit, diff)
			}
			if diff := cmp.Diff(want, backward); diff != "" {
				t.Errorf("backward by %d (-want +got):\n%s", limit, diff)
			}
		}
		if none := must[[]store.Place](t)(s.PackagePlaces(ctx, "lodash", func(p vuln.Package) bool { return p.Version == "5" }, store.PlacePage{})); len(none) > 0 {
			t.Errorf("none of this version: %v", none)
		}
		if _, err := s.PackagePlaces(ctx, "lodash", nil, store.PlacePage{After: "x"}); err == nil {
			t.Error("an invalid key is accepted")
		}
	})
}

// TestVulnerablePlaces: it is found by any name, with what the findings say.
func TestVulnerablePlaces(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), start, "lodash", "node-lodash", "other")
		github := finding("GHSA-35jh-r3h4-6jhm", "lodash", vuln.High)
		github.Namespace, github.Related = "github:language:javascript", []vuln.Related{{ID: "CVE-2021-23337"}}
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{
			ids["lodash"]: {github}, ids["node-lodash"]: {finding("CVE-2021-23337", "node-lodash", vuln.Low)}}, start))
		tag := target(t, "registry.example/app:a")
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(tag, notification.VulnUpdate)}, 0, start))
		check(t, s.Record(ctx, tag, func(watch.RecordView) (watch.Decision, error) {
			return watch.Decision{State: watch.State{Revision: 1, Analyzed: digest(1)}}, nil
		}))
		for name, want := range map[string]string{"CVE-2021-23337": "lodash High, node-lodash Low", "ghsa-35JH-r3h4-6jhm": "lodash High, node-lodash Low", "CVE-1999-1": ""} {
			var got []string
			for _, place := range must[[]store.Place](t)(s.VulnerablePlaces(ctx, name, store.PlacePage{Limit: 10})) {
				if place.Target != tag || place.Digest != digest(1) {
					t.Errorf("%+v", place)
				}
				got = append(got, place.Findings[0].Package.Name+" "+string(place.Findings[0].Severity))
			}
			slices.Sort(got)
			if text := strings.Join(got, ", "); text != want {
				t.Errorf("%s: %q, want %q", name, text, want)
			}
		}
	})
}

// TestOlderPlaces: pages of places have all that Affected has, with the older images that
// workloads still run.
func TestOlderPlaces(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveSource(ctx, listSource("app"), at(0)))
		engineLists(t, s, 1, source.Running{Digest: digest(1), Count: 3}, source.Running{Digest: digest(3), Count: 1})
		advance(t, s, "", "sha256:g1", nil)
		analyzed(t, s, digest(1), at(2), "openssl", "zlib")
		ids := analyzed(t, s, digest(3), at(2), "openssl", "curl")
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{ids["openssl"]: {finding("CVE-2026-0001", "openssl", vuln.High)}}, at(2)))
		pointsAt(t, s, 2, image.Resolved{Manifest: digest(1)})
		pointsAt(t, s, 3, image.Resolved{Manifest: digest(3)})
		want := map[string]string{}
		for _, each := range must[[]store.AffectedTag](t)(s.Affected(ctx, "CVE-2026-0001")) {
			want[string(each.Digest)] = runs(each.Older, each.Workloads)
		}
		if len(want) != 2 || want[string(digest(1))] != "older 3" || want[string(digest(3))] != "current 1" {
			t.Fatalf("affected: %v", want)
		}
		got, page := map[string]string{}, store.PlacePage{Limit: 1}
		for range 3 {
			for _, each := range must[[]store.Place](t)(s.VulnerablePlaces(ctx, "CVE-2026-0001", page)) {
				got[string(each.Digest)], page.After = runs(each.Older, each.Workloads), each.Key()
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
		before := must[[]store.Place](t)(s.VulnerablePlaces(ctx, "CVE-2026-0001", store.PlacePage{Before: page.After, Limit: 5}))
		if len(before) != 1 || before[0].Key() == page.After {
			t.Errorf("before the last place: %+v", before)
		}
	})
}

func runs(older bool, all []workload.Instance) string {
	return fmt.Sprintf("%s %d", map[bool]string{true: "older", false: "current"}[older], workload.Count(all))
}
