package store_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestBundles(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if _, err := s.ActiveBundle(ctx); !errors.Is(err, errkind.NotFound) {
			t.Errorf("none active: %v", err)
		}
		first := policy.StoredBundle{ID: "one", Name: "First", Hash: "h1", Document: []byte(`{"v":1}`)}
		check(t, s.SaveBundle(ctx, first, at(0)))
		check(t, s.SaveBundle(ctx, policy.StoredBundle{ID: "two", Name: "Second", Hash: "h2", Document: []byte(`{"v":2}`)}, at(1)))
		for _, step := range []struct {
			id   string
			want bool
		}{{"one", true}, {"one", false}, {"two", true}, {"one", true}} {
			if changed, err := s.ActivateBundle(ctx, step.id, at(2)); err != nil || changed != step.want {
				t.Errorf("activate %s: %v, %v", step.id, changed, err)
			}
		}
		first.Hash, first.Document = "h3", []byte(`{"v":3}`)
		check(t, s.SaveBundle(ctx, first, at(3)))
		first.Active, first.Created, first.Updated = true, at(0), at(3)
		if diff := cmp.Diff(first, must[policy.StoredBundle](t)(s.ActiveBundle(ctx))); diff != "" {
			t.Errorf("active (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff(first, must[policy.StoredBundle](t)(s.Bundle(ctx, "one"))); diff != "" {
			t.Errorf("by id (-want +got)\n%s", diff)
		}
		bundles, err := s.Bundles(ctx)
		check(t, err)
		if len(bundles) != 2 || !bundles[0].Active || bundles[1].Active || bundles[0].Document != nil {
			t.Errorf("%+v", bundles)
		}
		for hash, want := range map[string]string{"h1": `{"v":1}`, "h2": `{"v":2}`, "h3": `{"v":3}`} {
			if content, err := s.BundleContent(ctx, hash); err != nil || string(content) != want {
				t.Errorf("content of %s: %s, %v", hash, content, err)
			}
		}
	})
}

func TestBundleVersions(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		save := func(minute int, hash, base, note string) error {
			expected := store.Expected{}
			if base != "" {
				expected.Hashes = []string{base}
			}
			return s.Expecting(expected).SaveBundle(ctx, policy.StoredBundle{ID: "one", Hash: hash, Document: []byte(hash), Note: note}, at(minute))
		}
		check(t, save(0, "h1", "", ""))
		check(t, save(1, "h2", "h1", "rule added"))
		check(t, save(2, "h2", "", "nothing"))
		if err := save(3, "h3", "h1", "made from an older one"); !errors.Is(err, store.ErrChanged) {
			t.Errorf("saved over what somebody else changed: %v", err)
		}
		for expected, why := range map[*store.Expected]string{{Any: true}: "any", {Hashes: []string{"h1"}}: "one that there is not"} {
			err := s.Expecting(*expected).SaveBundle(ctx, policy.StoredBundle{ID: "none", Hash: "h9", Document: []byte("h9")}, at(3))
			if !errors.Is(err, store.ErrChanged) {
				t.Errorf("created where %s was expected: %v", why, err)
			}
		}
		if err := s.Expecting(store.Expected{Hashes: []string{"h1"}}).DeleteBundle(ctx, "one", at(3)); !errors.Is(err, store.ErrChanged) {
			t.Errorf("deleted what somebody else changed: %v", err)
		}
		check(t, save(4, "h1", "h2", "rolled back"))
		check(t, s.SaveBundle(ctx, policy.StoredBundle{ID: "two", Hash: "h4", Document: []byte("h4")}, at(5)))
		must[watch.Pruned](t)(s.Prune(ctx, at(0), at(60)))
		want := []policy.BundleVersion{
			{Number: 3, Hash: "h1", Note: "rolled back", Saved: at(4)}, {Number: 2, Hash: "h2", Note: "rule added", Saved: at(1)}, {Number: 1, Hash: "h1", Saved: at(0)},
		}
		if diff := cmp.Diff(want, must[[]policy.BundleVersion](t)(s.BundleVersions(ctx, "one"))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if content := must[[]byte](t)(s.BundleContent(ctx, "h2")); string(content) != "h2" {
			t.Errorf("content of version 2: %s", content)
		}
		must[watch.Pruned](t)(s.Prune(ctx, at(2), at(60)))
		if left := must[[]policy.BundleVersion](t)(s.BundleVersions(ctx, "one")); !cmp.Equal(left, []policy.BundleVersion{want[0], want[2]}) {
			t.Errorf("left after the retention: %v, want those of the present content", left)
		}
		check(t, s.DeleteBundle(ctx, "one", at(9)))
		if _, err := s.BundleVersions(ctx, "one"); !errors.Is(err, errkind.NotFound) {
			t.Errorf("versions of one that was deleted: %v", err)
		}
	})
}

func TestDeleteBundle(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, id := range []string{"one", "two"} {
			check(t, s.SaveBundle(ctx, policy.StoredBundle{ID: id, Hash: id, Document: []byte(id)}, start))
		}
		must[bool](t)(s.ActivateBundle(ctx, "one", start))
		if err := s.DeleteBundle(ctx, "one", at(9)); !errors.Is(err, errkind.Conflict) {
			t.Errorf("the active one: %v", err)
		}
		check(t, s.DeleteBundle(ctx, "two", at(9)))
		if content, err := s.BundleContent(ctx, "two"); err != nil || string(content) != "two" {
			t.Errorf("its content: %s, %v", content, err)
		}
		for name, err := range map[string]error{
			"delete": s.DeleteBundle(ctx, "two", at(9)), "read": second(s.Bundle(ctx, "two")),
			"activate": second(s.ActivateBundle(ctx, "two", start)), "content": second(s.BundleContent(ctx, "unknown")),
		} {
			if !errors.Is(err, errkind.NotFound) {
				t.Errorf("%s one that is not there: %v", name, err)
			}
		}
		if active := must[policy.StoredBundle](t)(s.ActiveBundle(ctx)); active.ID != "one" {
			t.Errorf("active: %+v", active)
		}
	})
}

// TestActivateAtOnce: there is one active bundle, whoever asks for which.
func TestActivateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ids := []string{"one", "two", "three", "four"}
		for _, id := range ids {
			check(t, s.SaveBundle(ctx, policy.StoredBundle{ID: id, Hash: id, Document: []byte(id)}, start))
		}
		var all sync.WaitGroup
		for _, id := range ids {
			all.Go(func() {
				if _, err := s.ActivateBundle(ctx, id, start); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		active := 0
		bundles, err := s.Bundles(ctx)
		check(t, err)
		for _, b := range bundles {
			if b.Active {
				active++
			}
		}
		if active != 1 {
			t.Errorf("%d are active", active)
		}
	})
}
