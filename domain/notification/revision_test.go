package notification_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func revision(n int) notification.Revision {
	return notification.Revision{Notification: fmt.Sprintf("n%04d", n), Tag: fmt.Sprintf("registry.example/app-%04d:1", n), Added: 1, Removed: 2,
		Matcher: "grype 2", Before: notification.Scanner{Matcher: "grype 1"}}
}

func summarized(t *testing.T, revisions []notification.Revision) notification.Notification {
	t.Helper()
	id, entry := notification.Summarize(revisions)
	entry.At = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	n, err := notification.New(notification.Heading{ID: id, Account: "admin", Created: entry.At}, entry)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSummarize: the summary is the same in whatever order the lists come, and of
// very many it lists some and counts all.
func TestSummarize(t *testing.T) {
	t.Parallel()
	var revisions []notification.Revision
	for n := range 1500 {
		revisions = append(revisions, revision(n))
	}
	forward := summarized(t, revisions)
	slices.Reverse(revisions)
	if backward := summarized(t, revisions); backward.ID != forward.ID || string(backward.Payload) != string(forward.Payload) {
		t.Error("the summary depends on the order")
	}
	if other := summarized(t, revisions[1:]); other.ID == forward.ID {
		t.Error("summaries of other lists have the same id")
	}
	if want := "1500 tag(s)"; !strings.Contains(forward.Summary, want) || !strings.Contains(forward.Summary, "1500 added, 0 updated, 3000 removed") {
		t.Errorf("summary %q", forward.Summary)
	}
	explained, err := notification.Explain(forward)
	if err != nil || len(explained.Details) != 1001 || !strings.Contains(explained.Details[1], "tagwatch explain n0000") {
		t.Errorf("%d details, %v", len(explained.Details), err)
	}
}

// TestRevision names what differs, and only that.
func TestRevision(t *testing.T) {
	t.Parallel()
	target, err := image.ParseTarget("docker.io/library/nginx:1")
	if err != nil {
		t.Fatal(err)
	}
	changed := notification.VulnerabilitiesChanged{Target: target, Before: notification.Evidence{Matcher: "grype 1", Analyzer: "syft 1"},
		After: notification.Evidence{Matcher: "grype 2", Analyzer: "syft 1"}, Added: make([]vuln.Finding, 2), Updated: make([]vuln.Update, 1)}
	want := notification.Revision{Notification: "n1", Tag: target.String(), Added: 2, Updated: 1, Matcher: "grype 2", Analyzer: "syft 1",
		Before: notification.Scanner{Matcher: "grype 1"}}
	if got := changed.Revision("n1"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
