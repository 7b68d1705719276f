package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// TestTouched has groups with findings, with none and unmatched ones.
func TestTouched(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(0), "clean", "openssl", "staged", "unmatched")
		related := finding("GHSA-aaaa-bbbb-cccc", "openssl", vuln.High)
		related.Related = []vuln.Related{{ID: "CVE-2026-1"}}
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{
			ids["clean"]: nil, ids["openssl"]: {related}, ids["staged"]: nil}, at(1)))
		check(t, s.Stage(ctx, "sha256:g2", matcher, map[int64][]vuln.GroupFinding{ids["staged"]: nil}))

		difference := func(keys ...vuln.SumKey) vuln.Delta {
			next := vuln.NewSums(1)
			for _, key := range keys {
				next.Add(key, vuln.Sum{Low: 1})
			}
			return vuln.Changed(vuln.NewSums(1), next)
		}
		last := max(ids["clean"], ids["openssl"], ids["staged"], ids["unmatched"])
		for _, c := range []struct {
			name  string
			delta vuln.Delta
			build string
			after int64
			want  []string
		}{
			{"nothing differs", difference(), "sha256:g2", 0, []string{"unmatched"}},
			{"a name", difference(vuln.NameKey("CLEAN")), "sha256:g2", 0, []string{"clean", "unmatched"}},
			{"a source package", difference(vuln.NameKey("clean-source")), "sha256:g2", 0, []string{"clean", "unmatched"}},
			{"a record", difference(vuln.RefKey("GHSA-aaaa-bbbb-cccc")), "sha256:g2", 0, []string{"openssl", "unmatched"}},
			{"a related record and the name", difference(vuln.RefKey("CVE-2026-1"), vuln.NameKey("openssl")), "sha256:g2", 0, []string{"openssl", "unmatched"}},
			{"what is staged", difference(vuln.NameKey("staged")), "sha256:g2", 0, []string{"unmatched"}},
			{"what is staged for another build", difference(vuln.NameKey("staged")), "sha256:g3", 0, []string{"staged", "unmatched"}},
			{"everything", vuln.Delta{All: true}, "sha256:g2", 0, []string{"clean", "openssl", "unmatched"}},
			{"behind the last", vuln.Delta{All: true}, "sha256:g3", last, nil},
			{"behind one", vuln.Delta{All: true}, "sha256:g3", ids["clean"], nil},
		} {
			touched, end, err := s.Touched(ctx, c.after, c.delta, c.build, matcher)
			check(t, err)
			want := map[int64]bool{}
			for _, name := range c.want {
				want[ids[name]] = true
			}
			if c.name == "behind one" {
				for _, id := range ids {
					if id > c.after {
						want[id] = true
					}
				}
			}
			got := map[int64]bool{}
			for _, id := range touched {
				got[id] = true
			}
			if diff := cmp.Diff(want, got); diff != "" || end != last {
				t.Errorf("%s: the last is %d, want %d; touched (-want +got)\n%s", c.name, end, last, diff)
			}
		}
	})
}
