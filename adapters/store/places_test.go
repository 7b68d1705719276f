package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
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
