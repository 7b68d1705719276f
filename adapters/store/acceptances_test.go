package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestAcceptances(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		stored := must[[]acceptance.Acceptance](t)(s.Accept(ctx, []acceptance.Acceptance{
			{Vulnerability: "CVE-2026-1", Aliases: []string{"GHSA-aaaa-bbbb-cccc"}, Package: "openssl", Subject: "ghcr.io/web/*", Until: at(60), Reason: "r", Owner: "web", By: "ann", Created: at(0)},
			{Vulnerability: "CVE-2026-2", Reason: "no fix", By: "ann", Created: at(0)}}))
		if len(stored) != 2 || stored[0].ID == stored[1].ID || stored[0].ID == 0 {
			t.Fatalf("stored %+v", stored)
		}
		want := slices.Clone(stored)
		want[1].Aliases = []string{}
		if diff := cmp.Diff(want, must[[]acceptance.Acceptance](t)(s.Acceptances(ctx))); diff != "" {
			t.Errorf("stored (-want +got)\n%s", diff)
		}
		want[0].Until, want[0].ExtendedBy, want[0].Extended = time.Time{}, "bob", at(1)
		if diff := cmp.Diff(want[0], must[acceptance.Acceptance](t)(s.ExtendAcceptance(ctx, stored[0].ID, time.Time{}, "bob", at(1)))); diff != "" {
			t.Errorf("extended (-want +got)\n%s", diff)
		}
		want[1].RevokedBy, want[1].Revoked = "cyd", at(2)
		if diff := cmp.Diff(want[1], must[acceptance.Acceptance](t)(s.RevokeAcceptance(ctx, stored[1].ID, "cyd", at(2)))); diff != "" {
			t.Errorf("revoked (-want +got)\n%s", diff)
		}
		if _, err := s.ExtendAcceptance(ctx, stored[1].ID, at(9), "bob", at(3)); !errors.Is(err, errkind.Conflict) {
			t.Errorf("extended a revoked one: %v", err)
		}
		if _, err := s.RevokeAcceptance(ctx, 99, "bob", at(3)); !errors.Is(err, errkind.NotFound) {
			t.Errorf("revoked none: %v", err)
		}
		if diff := cmp.Diff(want, must[[]acceptance.Acceptance](t)(s.Acceptances(ctx))); diff != "" {
			t.Errorf("stored (-want +got)\n%s", diff)
		}
	})
}

// TestAcceptancesConcernImages: a view has the acceptances for its tag, and the key of those
// that name a vulnerability of its image; all that read them agree.
func TestAcceptancesConcernImages(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:one", nil)
		flawed := analyzed(t, s, digest(1), start, "openssl")
		analyzed(t, s, digest(2), start, "zlib")
		save(t, s, "sha256:one", map[string]int64{"openssl": flawed["openssl"]}, "CVE-2026-1")
		web, db, sound := target(t, "ghcr.io/web/app:1"), target(t, "ghcr.io/db/app:1"), target(t, "ghcr.io/web/sound:1")
		subscribe(t, s, web, db, sound)
		for tag, of := range map[image.Target]image.Digest{web: digest(1), db: digest(1), sound: digest(2)} {
			record(t, s, tag, watch.State{Revision: 1, Analyzed: of, Basis: watch.Basis{Acceptances: "recorded"}})
		}
		accepted := must[[]acceptance.Acceptance](t)(s.Accept(ctx, []acceptance.Acceptance{
			{Vulnerability: "cve-2026-1", Subject: "ghcr.io/web/*", Reason: "r", Created: at(0)}, {Vulnerability: "CVE-2026-9", Reason: "r", Created: at(0)}}))
		revoked := must[[]acceptance.Acceptance](t)(s.Accept(ctx, []acceptance.Acceptance{{Vulnerability: "CVE-2026-1", Reason: "r", Created: at(0)}}))
		must[acceptance.Acceptance](t)(s.RevokeAcceptance(ctx, revoked[0].ID, "ann", at(1)))

		all := must[[]acceptance.Acceptance](t)(s.Acceptances(ctx))
		outcomes := map[image.Target]watch.RecordView{}
		for _, o := range must[[]watch.Outcome](t)(s.Outcomes(ctx, watch.OutcomeFilter{})) {
			outcomes[o.Target] = o.View
		}
		for tag, want := range map[image.Target]struct{ forTag, concerning []acceptance.Acceptance }{
			web:   {all[:2], all[:1]},
			db:    {all[1:2], nil},
			sound: {all[:2], nil},
		} {
			key := acceptance.Key(want.concerning)
			for name, view := range map[string]watch.RecordView{"view": must[watch.RecordView](t)(s.View(ctx, tag)), "outcome": outcomes[tag]} {
				if diff := cmp.Diff(want.forTag, view.Acceptances); diff != "" || view.Accepting != key || view.State.Basis.Acceptances != "recorded" {
					t.Errorf("%s of %s: key %q, want %q, recorded %q (-want +got)\n%s", name, tag, view.Accepting, key, view.State.Basis.Acceptances, diff)
				}
			}
			subject, err := s.Subject(ctx, tag, outcomes[tag].State.Analyzed)
			check(t, err)
			if got := acceptance.Key(subject.Acceptances); got != key {
				t.Errorf("subject of %s: key %q, want %q", tag, got, key)
			}
		}
		if len(accepted) != 2 {
			t.Errorf("%+v", accepted)
		}
	})
}

func TestAliases(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:one", nil)
		ids := analyzed(t, s, digest(1), start, "lodash", "openssl")
		found := findings(map[string]int64{"lodash": ids["lodash"]}, "GHSA-aaaa-bbbb-cccc")
		found[ids["lodash"]][0].Related = []vuln.Related{{ID: "CVE-2026-1"}}
		several := finding("ELSA-2026-1", "openssl", "High")
		several.Related = []vuln.Related{{ID: "CVE-2026-1"}, {ID: "CVE-2026-2"}}
		found[ids["openssl"]] = append(found[ids["openssl"]], several)
		check(t, s.SaveFindings(ctx, "sha256:one", matcher, found, start))
		for id, want := range map[string][]string{"CVE-2026-1": {"GHSA-aaaa-bbbb-cccc"}, "ghsa-aaaa-bbbb-cccc": {"CVE-2026-1"}, "ELSA-2026-1": nil, "CVE-2026-7": nil} {
			if diff := cmp.Diff(want, must[[]string](t)(s.Aliases(ctx, id))); diff != "" {
				t.Errorf("aliases of %s (-want +got)\n%s", id, diff)
			}
		}
	})
}
