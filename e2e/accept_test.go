package e2e_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// strict stops at High vulnerabilities.
const strict = `{"id": "strict", "version": "1_0", "name": "strict",
  "policies": [{"id": "p", "version": "1_0", "name": "p", "rules": [{"id": "1", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
    {"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": "high"}]}]}],
  "whitelists": [], "mappings": [{"id": "m", "name": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": []}]}`

// TestAcceptedRisks: an acceptance until there is a fix, one until a time and one that is
// revoked. Each beginning and end is notified once with its cause, whatever is killed and
// restarted in between, and only for the tag that it is for.
func TestAcceptedRisks(t *testing.T) {
	t.Parallel()
	i := install(t)
	lodash := feed.Vulnerability{Provider: feed.GitHub, ID: "GHSA-35jh-r3h4-6jhm", Package: "lodash", Ecosystem: "npm",
		Affected: "<4.17.21", Severity: "High", Aliases: []string{"CVE-2021-23337"}}
	elsewhere := feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2020-0001", Package: "elsewhere", Severity: "Low"} // the first data has the provider
	i.offer(elsewhere, lodash)
	i.do("feed", "sync")
	i.do("policy", "add", "--activate", i.file("strict.json", strict))
	parts := []lab.Part{lab.Debian(lab.Bookworm()...), lab.Node("/srv/api", lab.NodeModule{Name: "lodash", Version: "4.17.20"})}
	accepted, other := i.push("shop/api:1", parts...), i.push("shop/other:1", parts...)
	i.do("subscribe", "--wait", accepted, other)
	story := told{i, map[string]int{"analysis_update image shop/api:1": 1, "analysis_update image shop/other:1": 1}}
	story.so("subscribed")
	subject := "--subject=" + strings.TrimSuffix(accepted, ":1")
	restart := func() {
		t.Helper()
		must(t, i.Stop())
		must(t, i.Start(t.Context()))
	}

	// By the CVE, although the data has it as a GHSA.
	i.do("accept", "CVE-2021-23337", "--until", "fixed", "--reason", "no fix yet", "--owner", "web", subject)
	story.so("accepted until there is a fix", "vuln_update acceptance shop/api:1", "policy_eval acceptance shop/api:1")
	if _, recent, _ := strings.Cut(i.do("status", accepted), "Last notifications"); !strings.Contains(recent, "policy_eval") {
		t.Errorf("status lists as last notifications %s", recent)
	}
	must(t, i.Kill("tagwatch-worker"))
	restart()
	lodash.Fixed = "4.17.21"
	i.offer(elsewhere, lodash)
	i.do("feed", "sync")
	story.so("there is a fix", "vuln_update feed shop/api:1", "policy_eval feed shop/api:1", "vuln_update feed shop/other:1")
	story.names("policy_eval", `"ended_by":"fixed"`)

	end := time.Now().Add(30 * time.Second).UTC().Truncate(time.Second)
	i.do("accept", "GHSA-35jh-r3h4-6jhm", "--until", end.Format(time.RFC3339), "--reason", "not reachable", "--package", "pkg:npm/lodash", subject)
	story.so("accepted until a time", "vuln_update acceptance shop/api:1", "policy_eval acceptance shop/api:1")
	must(t, i.Kill("tagwatch-worker"))
	restart()
	story.so("the time has come", "vuln_update time shop/api:1", "policy_eval time shop/api:1")
	story.names("policy_eval", `"ended_by":"time"`)
	if time.Now().Before(end) {
		t.Errorf("notified before %s", end)
	}

	i.do("accept", "CVE-2021-23337", "--until", "30d", "--reason", "not reachable", subject)
	story.so("accepted for some days", "vuln_update acceptance shop/api:1", "policy_eval acceptance shop/api:1")
	i.do("accept", "extend", "3", "--until", "60d")
	story.so("extended")
	restart()
	must(t, i.Kill("tagwatch-worker"))
	i.do("accept", "revoke", "3")
	story.so("revoked", "vuln_update acceptance shop/api:1", "policy_eval acceptance shop/api:1")
	story.names("policy_eval", `"ended_by":"revoked"`)
	restart()
	i.do("rescan", accepted, other)
	story.so("nothing happened")
}

// told follows what the receiver is notified of.
type told struct {
	*installation
	want map[string]int
}

// so waits for these notifications, as "type cause tag", and checks that there are no others.
func (s told) so(what string, more ...string) {
	s.t.Helper()
	total := 0
	for _, each := range more {
		s.want[each]++
	}
	for _, n := range s.want {
		total += n
	}
	got := map[string]int{}
	for _, n := range s.notified(total) {
		_, tag, _ := strings.Cut(n.Data.Payload.Key, "/")
		got[fmt.Sprintf("%s %s %s", n.Kind, n.Data.Payload.Cause, tag)]++
	}
	if !maps.Equal(got, s.want) {
		s.t.Errorf("%s: notified (-want +got)\n%s", what, cmp.Diff(s.want, got))
	}
}

// names checks the text in the body of the last notification of a type.
func (s told) names(kind, text string) {
	s.t.Helper()
	last := ""
	for _, hook := range s.receiver.All() {
		if strings.Contains(string(hook.Body), `"queueId":"`+kind+`"`) {
			last = string(hook.Body)
		}
	}
	if !strings.Contains(last, text) {
		s.t.Errorf("the last %s does not have %s:\n%s", kind, text, last)
	}
}
