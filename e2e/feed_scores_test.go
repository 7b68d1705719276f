package e2e_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// scoreBundle stops a CVSS score of 8 and above, and a vulnerability by its CVE.
const scoreBundle = `{"id": "scores", "version": "1_0", "name": "Scores",
  "policies": [{"id": "p", "version": "1_0", "name": "p", "rules": [
    {"id": "1", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
      {"name": "package_type", "value": "all"}, {"name": "cvss_v3_base_score", "value": "8"}]}]}],
  "whitelists": [], "whitelisted_images": [], "blacklisted_images": [],
  "mappings": [{"id": "m", "name": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": []}]}`

// scored is a vulnerability of lodash under that id, with NVD's vector.
func scored(id, vector string) []feed.Vulnerability {
	return []feed.Vulnerability{
		{Provider: feed.Debian, ID: "CVE-2020-0001", Package: "elsewhere", Severity: "Low"}, // the installation's first data has the provider
		{Provider: feed.NVD, ID: "CVE-2021-23337", Severity: "High", CVSS: vector},
		{Provider: feed.GitHub, ID: id, Package: "lodash", Ecosystem: "npm", Affected: "<4.17.21", Fixed: "4.17.21", Severity: "High", Aliases: []string{"CVE-2021-23337"}},
	}
}

const (
	vector75 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
	vector88 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H"
)

// TestVectorAloneChangesThePolicy: new data that change nothing but a score, High
// before and after, bring a policy_eval at once and no vuln_update; a change of
// name alone brings a vuln_update and no policy_eval.
func TestVectorAloneChangesThePolicy(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do("policy", "add", "--activate", i.file("bundle.json", scoreBundle))
	i.offer(scored("GHSA-35jh-r3h4-6jhm", vector75)...)
	i.do("feed", "sync")
	reference := i.push("shop/api:1", lab.Node("/srv/api", lodash))
	i.do("subscribe", "--wait", reference)
	i.notified(1)
	if status := i.status(reference); status != "pass" {
		t.Fatalf("at 7.5 the tag is %s", status)
	}

	i.offer(scored("GHSA-35jh-r3h4-6jhm", vector88)...)
	if out := i.do("feed", "sync"); !strings.Contains(out, "1 tag to update") {
		t.Errorf("sync said: %s", out)
	}
	if status := i.status(reference); status != "fail" {
		t.Errorf("at 8.8 the tag is %s as soon as the data is current", status)
	}
	if got := kinds(i.notified(2)); got["policy_eval"] != 1 || got["vuln_update"] != 0 {
		t.Errorf("sent %v, want one policy_eval", got)
		for _, h := range i.receiver.All() {
			t.Logf("%s", h.Body)
		}
	}

	i.offer(scored("GHSA-7777-7777-7777", vector88)...)
	i.do("feed", "sync")
	if got := kinds(i.notified(3)); got["policy_eval"] != 1 || got["vuln_update"] != 1 {
		t.Errorf("sent %v, want a vuln_update for the name", got)
	}
	i.keepsTheList(reference)
}

// keepsTheList compares the last update with what the command line lists.
func (i *installation) keepsTheList(reference string) {
	i.t.Helper()
	var list struct {
		Vulnerabilities []struct {
			ID, Key string
			Aliases []string
		}
	}
	must(i.t, json.Unmarshal([]byte(i.do("vulnerabilities", reference, "-o", "json")), &list))
	listed := list.Vulnerabilities
	var sent struct {
		Difference struct {
			Updated []struct {
				ID       string `json:"CVE_ID"`
				Key      string
				Changes  []string
				Previous struct {
					ID string `json:"CVE_ID"`
				}
			}
		} `json:"diff_vulnerability_result"`
	}
	for _, hook := range i.receiver.All() {
		var body struct {
			Kind string `json:"queueId"`
			Data struct {
				Payload json.RawMessage `json:"notification_payload"`
			}
		}
		if json.Unmarshal(hook.Body, &body) == nil && body.Kind == "vuln_update" {
			must(i.t, json.Unmarshal(body.Data.Payload, &sent))
		}
	}
	updated := sent.Difference.Updated
	if len(listed) != 1 || len(updated) != 1 || updated[0].ID != listed[0].ID || updated[0].Key != listed[0].Key ||
		updated[0].Previous.ID != "GHSA-35jh-r3h4-6jhm" || !slices.Equal(updated[0].Changes, []string{"name"}) {
		i.t.Errorf("the list is %+v, the update %+v", listed, updated)
	}
}
