package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// tagStatus is what the tests read of tagwatch status REF -o json.
type tagStatus struct {
	Digest   string
	Analyzed string    `json:"analyzed_digest"`
	Pending  time.Time `json:"analyzing_since"`
	Problem  struct{ Stage, Message string }
	Live     struct{ Doing string }
}

func (i *installation) statusOf(reference string) (s tagStatus) {
	i.t.Helper()
	must(i.t, json.Unmarshal([]byte(i.do("status", reference, "-o", "json")), &s))
	return s
}

// TestNobodyAnalyzes: without a worker that analyzes, a tag's move is notified, new
// data reach the image that was analyzed last, and people see what is missing. When
// such a worker comes, the rest follows.
func TestNobodyAnalyzes(t *testing.T) {
	t.Parallel()
	i := install(t, "TAGWATCH_SERVE=watching,matching,delivery")
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", "--interval", "30s", reference)
	i.eventually("the status says what is missing", func() bool {
		s := i.statusOf(reference)
		return !s.Pending.IsZero() && s.Problem.Stage == "analyze" && strings.Contains(s.Problem.Message, "no worker analyzes images")
	})
	stop := i.startWorker("TAGWATCH_SERVE=analysis")
	i.notified(1) // analysis_update
	i.eventually("nothing is missing", func() bool {
		s := i.statusOf(reference)
		return s.Pending.IsZero() && s.Problem.Stage == "" && s.Analyzed == s.Digest
	})
	stop()

	i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	if got := kinds(i.notified(2)); got["tag_update"] != 1 {
		t.Fatalf("notified of %v, want the move", got)
	}
	if s := i.statusOf(reference); s.Pending.IsZero() || s.Analyzed == s.Digest {
		t.Errorf("status %+v, want the new image pending and the former one served", s)
	}
	made(i.feed.PublishBuild(t.TempDir(),
		feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-1001", Package: "openssl", Severity: "High"},
		feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-1002", Package: "zlib", Severity: "Critical"}))(t)
	i.do("feed", "sync")
	if got := kinds(i.notified(3)); got["vuln_update"] != 1 {
		t.Fatalf("notified of %v, want what the new data say of the served image", got)
	}

	i.startWorker("TAGWATCH_SERVE=analysis")
	if got := kinds(i.notified(4)); got["analysis_update"] != 2 {
		t.Errorf("notified of %v, want the analysis of the new image", got)
	}
	i.eventually("the new image is served", func() bool {
		s := i.statusOf(reference)
		return s.Pending.IsZero() && s.Analyzed == s.Digest
	})
}

// TestBlobsAreNotToBeHad: a registry that answers for manifests and not for layers
// holds up the analysis alone, and people see why.
func TestBlobsAreNotToBeHad(t *testing.T) {
	t.Parallel()
	i := install(t)
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", "--wait", "--interval", "30s", reference)
	i.notified(1)
	lift := i.registry.Fail(lab.Fault{Path: "/blobs/", Status: 503})
	i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	if got := kinds(i.notified(2)); got["tag_update"] != 1 {
		t.Fatalf("notified of %v, want the move", got)
	}
	i.eventually("the status says why there is no analysis", func() bool {
		s := i.statusOf(reference)
		return s.Problem.Stage == "analyze" && strings.Contains(s.Problem.Message, "503")
	})
	lift()
	if got := kinds(i.notified(3)); got["analysis_update"] != 2 {
		t.Errorf("notified of %v, want the analysis", got)
	}
	i.eventually("the problem is over", func() bool { return i.statusOf(reference).Problem.Stage == "" })
}
