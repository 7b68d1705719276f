package policy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	image := withImage(sbom.Inventory{Unreadable: []sbom.Unreadable{
		{Path: "/app/cut.jar", Cataloger: "java-archive-cataloger", Reason: "zip: not a valid zip file"},
		{Path: "/app/package.json", Cataloger: "javascript-package-cataloger", Reason: "invalid character"},
	}})
	want := []string{
		"Packages of file /app/cut.jar could not be read (java-archive-cataloger: zip: not a valid zip file)",
		"Packages of file /app/package.json could not be read (javascript-package-cataloger: invalid character)",
	}
	if diff := cmp.Diff(want, messagesOf(rowsOf(t, image, "packages", "unreadable_file"))); diff != "" {
		t.Errorf("each file once (-want +got)\n%s", diff)
	}
	if rows := rowsOf(t, packaged, "packages", "unreadable_file"); len(rows) > 0 {
		t.Errorf("everything was read, and got %v", rows)
	}
}

func TestAnalysisFailed(t *testing.T) {
	t.Parallel()
	failing := withImage(sbom.Inventory{Digest: "sha256:old"})
	failing.Failed = &FailedImage{Digest: "sha256:new", Reason: "package database /var/lib/dpkg/status is damaged"}
	want := []string{"Image sha256:new could not be analyzed (package database /var/lib/dpkg/status is damaged); this evaluation is of sha256:old"}
	if diff := cmp.Diff(want, messagesOf(rowsOf(t, failing, "packages", "analysis_failed"))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if rows := rowsOf(t, packaged, "packages", "analysis_failed"); len(rows) > 0 {
		t.Errorf("the newest image is the evaluated one, and got %v", rows)
	}
}

// A whitelist item for a file or a failed image stays valid when another version
// of syft words the reason differently.
func TestUnreadableTriggerIDs(t *testing.T) {
	t.Parallel()
	ids := func(path, digest, reason string) []string {
		s := withImage(sbom.Inventory{Unreadable: []sbom.Unreadable{{Path: path, Cataloger: "c", Reason: reason}}})
		s.Failed = &FailedImage{Digest: image.Digest(digest), Reason: reason}
		return append(idsOf(rowsOf(t, s, "packages", "unreadable_file")), idsOf(rowsOf(t, s, "packages", "analysis_failed"))...)
	}
	before := ids("/a", "sha256:1", "one")
	if after := ids("/a", "sha256:1", "other"); len(before) != 2 || !slices.Equal(before, after) {
		t.Errorf("ids %v, then %v", before, after)
	}
	if others := ids("/b", "sha256:2", "one"); others[0] == before[0] || others[1] == before[1] {
		t.Errorf("other files and images have the same ids %v", others)
	}
}
