package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// coverage is what the tests read of it, wherever it is shown.
type coverage struct{ State, Distribution, Reason string }

// released is a distribution's package database under another os-release.
func released(version, release string) []lab.Part {
	return []lab.Part{lab.Debian(lab.Bookworm()...),
		lab.Run("release", lab.Text("/etc/os-release", release), lab.Text("/etc/debian_version", version+"\n"))}
}

const (
	busterRelease = "ID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"10\"\nVERSION_CODENAME=buster\n"
	uncoveredRule = `{"id": "b", "version": "1_0", "whitelists": [], "whitelisted_images": [], "blacklisted_images": [],
		"policies": [{"id": "p", "version": "1_0", "rules": [
			{"id": "r", "gate": "vulnerabilities", "trigger": "vulnerability_data_unavailable", "action": "STOP", "params": []}]}],
		"mappings": [{"id": "m", "name": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": []}]}`
)

// TestDistributionThatTheDataLackAndDrop: an image of Debian 10 while the data
// has nothing about it, then has, then has nothing again. The tag says so each
// time, and that the data drops it fixes nothing.
func TestDistributionThatTheDataLackAndDrop(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do("policy", "add", "--activate", i.file("bundle.json", uncoveredRule))
	reference := i.push("shop/old:1", released("10.13", busterRelease)...)
	i.do("subscribe", "--wait", reference)
	i.notified(1)
	current := feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-1001", Package: "openssl", Severity: "High"}
	old := current
	old.Release = "10"

	i.expectCoverage(reference, "not_covered", "fail", 0)
	i.offer(current, old)
	i.do("feed", "sync")
	i.notified(3) // the list and the policy
	i.expectCoverage(reference, "covered", "pass", 2)
	i.offer(current)
	i.do("feed", "sync")
	i.notified(5)
	i.expectCoverage(reference, "not_covered", "fail", 2) // what was known stays known

	updates := i.updates(5)
	if len(updates) != 2 || len(updates[0].Added) != 2 || len(updates[1].Added)+len(updates[1].Updated)+len(updates[1].Removed) > 0 {
		t.Errorf("vuln_updates %+v", updates)
	}
	var lost struct {
		Data struct {
			Payload struct {
				Coverage coverage
				Previous struct{ Coverage coverage }
			} `json:"notification_payload"`
		}
	}
	for _, hook := range i.receiver.All() {
		must(t, json.Unmarshal(hook.Body, &lost))
	}
	if got := lost.Data.Payload; got.Coverage.State != "not_covered" || got.Previous.Coverage.State != "covered" || !strings.Contains(got.Coverage.Reason, "debian 10") {
		t.Errorf("the last body has the coverage %+v", got)
	}
}

// expectCoverage checks all places that show it.
func (i *installation) expectCoverage(reference, state, policy string, vulnerabilities int) {
	i.t.Helper()
	var status struct {
		Coverage coverage
		Policy   string             `json:"policy_status"`
		Counts   struct{ High int } `json:"vulnerabilities"`
	}
	shown := []byte(i.do("status", reference, "-o", "json"))
	must(i.t, json.Unmarshal(shown, &status))
	if status.Coverage.State != state || status.Policy != policy || status.Counts.High != vulnerabilities {
		i.t.Errorf("status %s, want %s, %s and %d", shown, state, policy, vulnerabilities)
	}
	var list struct {
		Coverage        coverage
		Vulnerabilities []struct{ ID string }
	}
	must(i.t, json.Unmarshal([]byte(i.do("vulnerabilities", reference, "-o", "json")), &list))
	if list.Coverage.State != state || len(list.Vulnerabilities) != vulnerabilities {
		i.t.Errorf("vulnerabilities %+v", list)
	}
	uncovered := state == "not_covered"
	evaluated := made(i.Run(i.t.Context(), "evaluate", reference))(i.t)
	now, _, _ := strings.Cut(i.do("status", reference), "Last notifications")
	for name, text := range map[string]string{
		"status":             now,
		"status of all":      i.do("status"),
		"status --uncovered": i.do("status", "--uncovered"),
		"evaluate":           evaluated.Out + evaluated.Err,
	} {
		if said := strings.Contains(text, "not covered"); said != uncovered {
			i.t.Errorf("%s says that it is not covered: %t\n%s", name, said, text)
		}
	}
	if found := made(i.Run(i.t.Context(), "affected", "CVE-2026-9999"))(i.t); strings.Contains(found.Out+found.Err, reference) != uncovered {
		i.t.Errorf("affected: %s%s", found.Out, found.Err)
	}
}

// TestWhichDistributionsAreCovered: images as people build them.
func TestWhichDistributionsAreCovered(t *testing.T) {
	t.Parallel()
	i := install(t)
	for name, c := range map[string]struct {
		parts []lab.Part
		state string
	}{
		"debian":    {[]lab.Part{lab.Debian(lab.Bookworm()...)}, "covered"},
		"clone":     {released("12.1", "ID=mylinux\nID_LIKE=debian\nVERSION_ID=12\n"), "covered"},
		"unknown":   {released("1", "ID=foolinux\nVERSION_ID=1\n"), "not_covered"},
		"unnamed":   {[]lab.Part{lab.Debian(lab.Bookworm()...), lab.Remove("/etc/os-release", "/etc/debian_version")}, "not_covered"},
		"alpine":    {[]lab.Part{lab.Alpine(lab.Apk{Name: "libssl3", Version: "3.3.0-r2", Origin: "openssl"})}, "not_covered"},
		"static":    {[]lab.Part{lab.GoBinary("/app", lab.GoModule{Path: "golang.org/x/net", Version: "v0.7.0"})}, "not_applicable"},
		"distroful": {[]lab.Part{lab.Copy("/etc", lab.Text("/etc/os-release", busterRelease))}, "not_covered"},
	} {
		reference := i.push("shop/"+name+":1", c.parts...)
		i.do("subscribe", "--wait", reference)
		var status struct{ Coverage coverage }
		must(t, json.Unmarshal([]byte(i.do("status", reference, "-o", "json")), &status))
		if status.Coverage.State != c.state {
			t.Errorf("%s: coverage %+v, want %s", name, status.Coverage, c.state)
		}
	}
}
