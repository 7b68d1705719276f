package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func TestSaveImage(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if _, err := s.ImageHeader(ctx, digest(1)); !errors.Is(err, errkind.NotFound) {
			t.Errorf("before: %v", err)
		}
		want := inventory(digest(1), "openssl", "zlib", "zlib")
		want.BaseLayers = 1
		for i, path := range []string{"/app/openssl", "/lib/a", "/lib/b"} { // zlib in both parts of the image
			want.Packages[i].Locations, want.Packages[i].Layer = []string{path}, 2-i%2
		}
		want.Packages[0].Locations = append(want.Packages[0].Locations, "/usr/openssl")
		want.Created = at(-60)
		want.Files = []sbom.File{{Path: "/bin/\xff\x00odd", Mode: sbom.ModeRegular | 0o755, Size: 1 << 40}}
		want.Unreadable = []sbom.Unreadable{{Path: "/app/package.json", Cataloger: "javascript-package-cataloger", Reason: "not JSON"}}
		check(t, s.SaveImage(ctx, want, []byte(`{"artifacts":[]}`), "syft 1", at(0)))
		check(t, s.SaveImage(ctx, want, []byte(`{"artifacts":[{}]}`), "syft 2", at(9)))

		inv, err := s.Inventory(ctx, digest(1))
		check(t, err)
		if diff := cmp.Diff(want, inv); diff != "" {
			t.Errorf("inventory (-want +got)\n%s", diff)
		}
		if unreadable := must[[]sbom.Unreadable](t)(s.Unreadable(ctx, digest(1))); !slices.Equal(unreadable, want.Unreadable) {
			t.Errorf("unreadable: %+v", unreadable)
		}
		places := must[vuln.Places](t)(s.Places(ctx, digest(1)))
		if diff := cmp.Diff(vuln.Places{{Name: "openssl", Version: "1.0", Type: "deb"}: {Paths: []string{"/app/openssl", "/usr/openssl"}, Layer: "own"},
			{Name: "zlib", Version: "1.0", Type: "deb"}: {Paths: []string{"/lib/a", "/lib/b"}}}, places); diff != "" {
			t.Errorf("places (-want +got)\n%s", diff)
		}
		document, err := s.SBOM(ctx, digest(1))
		if err != nil || string(document) != `{"artifacts":[{}]}` {
			t.Errorf("SBOM %s, %v", document, err)
		}
		header := must[analysis.Image](t)(s.ImageHeader(ctx, digest(1)))
		if diff := cmp.Diff(analysis.Image{Digest: digest(1), ImageID: want.ImageID, Analyzer: "syft 2", Analyzed: at(0), Packages: 3, Files: 1}, header); diff != "" {
			t.Errorf("header (-want +got)\n%s", diff)
		}
	})
}

func TestSaveFailure(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		problem := condition.Problem{Kind: "Limit", Stage: condition.StageAnalyze, Message: "too large", Since: at(1)}
		check(t, s.SaveFailure(ctx, digest(1), "syft 1", problem, at(1)))
		header := must[analysis.Image](t)(s.ImageHeader(ctx, digest(1)))
		if diff := cmp.Diff(analysis.Image{Digest: digest(1), Analyzer: "syft 1", Problem: &problem}, header); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for name, err := range map[string]error{
			"unreadable": second(s.Unreadable(ctx, digest(1))), "inventory": second(s.Inventory(ctx, digest(1))), "SBOM": second(s.SBOM(ctx, digest(1))), "places": second(s.Places(ctx, digest(1))),
			"subject": second(s.Subject(ctx, image.Target{}, digest(1))),
		} {
			if !errors.Is(err, errkind.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		check(t, s.SaveImage(ctx, inventory(digest(1), "zlib"), nil, "syft 2", at(2)))
		if header = must[analysis.Image](t)(s.ImageHeader(ctx, digest(1))); header.Problem != nil || !header.Analyzed.Equal(at(2)) {
			t.Errorf("after a success: %+v", header)
		}
		check(t, s.SaveFailure(ctx, digest(1), "syft 3", problem, at(3)))
		if _, err := s.Inventory(ctx, digest(1)); err != nil {
			t.Errorf("a failure took what was known: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestSubject(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nginx := target(t, "nginx:1").Reference
		ids := analyzed(t, s, digest(1), at(0), "openssl")
		subject, err := s.Subject(ctx, image.Target{Reference: nginx}, digest(1))
		check(t, err)
		if subject.Reference != nginx || subject.Matched || subject.Inventory.Packages[0].Name != "openssl" || !subject.Feed.Built.IsZero() {
			t.Errorf("before matching: %+v", subject)
		}
		advance(t, s, "", "sha256:g1", nil)
		save(t, s, "sha256:g1", map[string]int64{"openssl": ids["openssl"]}, "CVE-2026-1")
		subject, err = s.Subject(ctx, image.Target{Reference: nginx}, digest(1))
		check(t, err)
		if !subject.Matched || len(subject.Matches) != 1 || !subject.Feed.Built.Equal(built) {
			t.Errorf("after matching: %+v", subject)
		}
	})
}

// built is when the tests' vulnerability data were.
var built = time.Date(2026, 2, 28, 1, 0, 0, 0, time.UTC)

// Of images with the same layers the analysis by the analyzer asked for serves.
func TestImageLike(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for i, analyzer := range []string{"syft 1", "syft 2", "syft 2"} {
			like := inventory(digest(i+1), "zlib")
			like.FileSystem = "layers"
			check(t, s.SaveImage(ctx, like, nil, analyzer, at(i)))
		}
		check(t, s.SaveImage(ctx, inventory(digest(4), "zlib"), nil, "syft 2", at(4)))
		check(t, s.SaveFailure(ctx, digest(2), "syft 2", condition.Problem{Kind: "Limit"}, at(5)))
		if got := must[image.Digest](t)(s.ImageLike(ctx, "layers", "syft 2")); got != digest(3) {
			t.Errorf("got %s, want %s", got, digest(3))
		}
		for _, unknown := range [][2]string{{"layers", "syft 3"}, {"other", "syft 2"}, {"", "syft 2"}} {
			if found, err := s.ImageLike(ctx, unknown[0], unknown[1]); !errors.Is(err, errkind.NotFound) {
				t.Errorf("%q: %s, %v", unknown, found, err)
			}
		}
	})
}
