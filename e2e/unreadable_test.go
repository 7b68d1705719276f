package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/lab"
)

// judgesUnreadable stops at a High vulnerability, and warns of what is not known.
const judgesUnreadable = `{"id": "unreadable", "version": "1_0", "name": "Unreadable",
  "policies": [{"id": "p", "version": "1_0", "name": "p", "rules": [
    {"id": "1", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
      {"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": "high"}]},
    {"id": "2", "gate": "packages", "trigger": "analysis_failed", "action": "WARN", "params": []},
    {"id": "3", "gate": "packages", "trigger": "unreadable_file", "action": "WARN", "params": []}]}],
  "whitelists": [], "whitelisted_images": [], "blacklisted_images": [],
  "mappings": [{"id": "m", "name": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": []}]}`

// damagedDatabase is an image in which one stray line makes dpkg's list unreadable.
func damagedDatabase() []lab.Part {
	return []lab.Part{lab.Debian(lab.Bookworm()...),
		lab.Run("echo", lab.Text("/var/lib/dpkg/status", "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2+b2\n\n stray\n"))}
}

// TestDamagedPackageDatabase: an image whose packages cannot be read is not one
// without packages. The tag's move is notified, its former result stands, people and
// policies see why, and the next good image ends it.
func TestDamagedPackageDatabase(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do("policy", "add", "--activate", i.file("bundle.json", judgesUnreadable))
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	first := i.push("shop/new:1", damagedDatabase()...)
	i.do("subscribe", "--wait", "--interval", "30s", reference)
	i.notified(1)
	if got := i.status(reference); got != "fail" {
		t.Fatalf("policy status %q at first, want fail", got)
	}

	i.push("shop/api:1", damagedDatabase()...)
	i.eventually("the status says what is damaged", func() bool {
		s := i.statusOf(reference)
		return s.Problem.Stage == "analyze" && strings.Contains(s.Problem.Message, "package database /var/lib/dpkg/status is damaged: line 6") && s.Analyzed != s.Digest
	})
	if got := i.status(reference); got != "fail" {
		t.Errorf("policy status %q of the damaged image, want that of the image before", got)
	}
	if got := i.fired(reference); !slices.Equal(got, []string{"analysis_failed", "package"}) {
		t.Errorf("rules fired: %v", got)
	}
	if notes := made(i.Run(t.Context(), "vulnerabilities", reference))(t); !strings.Contains(notes.Err, "could not be analyzed") || !strings.Contains(notes.Out, "CVE-2026-1001") {
		t.Errorf("vulnerabilities: %s%s", notes.Out, notes.Err)
	}

	i.do("subscribe", first)
	i.eventually("a tag without a good image has a problem and no outcome", func() bool {
		return i.statusOf(first).Problem.Stage == "analyze" && i.status(first) == "" && i.statusOf(first).Analyzed == ""
	})

	i.push("shop/api:1", lab.Debian(lab.Deb{Name: "bash", Version: "5.2.15-2+b2"}),
		lab.Copy("/app", lab.Text("/app/package.json", "\ufeff{\"name\": \"app\", \"version\": \"1.0.0\"}")))
	i.eventually("the tag recovers", func() bool {
		s := i.statusOf(reference)
		return s.Problem.Stage == "" && s.Analyzed == s.Digest && i.status(reference) == "pass"
	})
	want := map[string]int{"tag_update": 2, "analysis_update": 2, "vuln_update": 1, "policy_eval": 1}
	if diff := cmp.Diff(want, kinds(i.notified(6))); diff != "" {
		t.Errorf("notified (-want +got)\n%s", diff)
	}
	if text := i.do("status", reference); !strings.Contains(text, "/app/package.json") {
		t.Errorf("the status does not list the file that could not be read:\n%s", text)
	}
	if got := i.fired(reference); !slices.Equal(got, []string{"unreadable_file"}) {
		t.Errorf("rules fired of an unreadable file: %v", got)
	}
	if log := i.do("notifications", "--type", "event_log", "-o", "json"); strings.Count(log, "user.image.analysis.failed") == 0 {
		t.Errorf("the event log does not have the failed analysis:\n%s", log)
	}
}
