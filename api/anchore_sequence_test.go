package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/workflows"
)

// done sends a request of Anchore's API that succeeds.
func (f *fixture) done(name, method, path, body string) any {
	f.Helper()
	status, answer := f.anchore(name, method, path, body)
	if status != http.StatusOK {
		f.Fatalf("%s %s answers %d %v", method, path, status, answer)
	}
	return answer
}

// only is the one record of an answer.
func (f *fixture) only(answer any) map[string]any {
	f.Helper()
	list, _ := answer.([]any)
	if len(list) != 1 {
		f.Fatalf("%v is not one record", answer)
	}
	return list[0].(map[string]any)
}

func (f *fixture) encoded(answer any) string {
	f.Helper()
	content, err := json.Marshal(answer)
	f.must(err)
	return string(content)
}

// TestAnchorePolicies: a client adds a bundle, activates it as it read it, and deletes the
// former one, in the order of Anchore's command line; what it must not do is refused.
func TestAnchorePolicies(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.completes = func(result any) {
			if applied, is := result.(*workflows.Applied); is {
				applied.Changed = must(f.store.ActivateBundle(t.Context(), "new", now))(t)
			}
		}
		gates := f.done("read", "GET", "/system/policy_spec", "").([]any)
		at := slices.IndexFunc(gates, func(gate any) bool { return gate.(map[string]any)["name"] == "vulnerabilities" })
		f.golden("policy-spec", gates[at])
		f.golden("policy-added", f.done("admin", "POST", "/policies?detail=True", bundleText("new", strings.Repeat("large ", 1<<18))))
		read := f.only(f.done("read", "GET", "/policies/new?detail=True", ""))
		if read["active"] != false {
			t.Error("an added bundle is active")
		}
		read["active"] = true
		activated := f.done("admin", "PUT", "/policies/new?active=true", f.encoded(read))
		f.golden("policy-activated", activated)
		if f.only(activated)["active"] != true {
			t.Error("an activated bundle is not active")
		}
		check := "/images/" + string(storetest.SeedDigest) + "/check?detail=false&tag=" + url.QueryEscape(inside)
		if answer := f.encoded(f.done("read", "GET", check, "")); !strings.Contains(answer, `"policyId":"new"`) {
			t.Errorf("it is not what is evaluated: %s", answer)
		}
		if versions := must(f.store.BundleVersions(t.Context(), "new"))(t); len(versions) != 1 {
			t.Errorf("the activation made %d versions", len(versions))
		}
		former := policy.Default().ID
		inactive := strings.Replace(f.encoded(read), `"active":true`, `"active":false`, 1)
		for _, refused := range []struct {
			method, id, body string
			status           int
			says             string
		}{
			{"PUT", "new", inactive, http.StatusConflict, "is active"},
			{"DELETE", "new", "", http.StatusConflict, "is active"},
			{"PUT", former, inactive, http.StatusBadRequest, "policyId"},
			{"PUT", former, fmt.Sprintf(`{"policybundle": %s}`, bundleText("other", "")), http.StatusBadRequest, "policybundle"},
			{"PUT", "none", `{"active": true}`, http.StatusNotFound, "policy not found"},
			{"PUT", former, fmt.Sprintf(`{"policybundle": {"id": %q}}`, former), http.StatusBadRequest, "bundle is invalid"},
		} {
			status, answer := f.anchore("admin", refused.method, "/policies/"+refused.id, refused.body)
			f.refusal(refused.method+" "+refused.id, status, answer, refused.status, refused.says)
		}
		if answer := f.done("admin", "DELETE", "/policies/"+former, ""); answer != "deleted" {
			t.Errorf("the deletion answers %v", answer)
		}
		if rows := must(f.store.Audit(t.Context(), audit.Filter{Subject: former, Who: "admin"}))(t); len(rows) != 1 || rows[0].Actor.Via != audit.Anchore {
			t.Errorf("recorded as %+v", rows)
		}
	})
}

// TestAnchoreRepositories: a client plans, adds, lists and ends the watch of a repository. One
// that is watched keeps what Anchore has no word for.
func TestAnchoreRepositories(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		name := must(image.ParseRepository("ghcr.io/web/new"))(t)
		f.completes = func(result any) {
			if plan, is := result.(*taglist.Plan); is {
				*plan = taglist.Plan{Repository: name, Tags: 3, Selected: 2, Groups: []taglist.PlanGroup{{Selected: true, Reason: taglist.ReasonSelected, Count: 2, Tags: []string{"v2", "v1"}},
					{Reason: taglist.ReasonArtifact, Count: 1, Tags: []string{"sha256-1.sig"}}}}
			}
		}
		listed := func() string {
			return f.encoded(f.done("web-read", "GET", "/subscriptions?subscription_type=repo_update", ""))
		}
		add := func(subscribe, dry bool) map[string]any {
			t.Helper()
			answer := f.done("web-act", "POST", fmt.Sprintf("/repositories?autosubscribe=%t&dryrun=%t&lookuptag=latest&repository=%s", subscribe, dry, name), "")
			f.golden("repository-added", answer)
			return f.only(answer)
		}
		if planned := add(true, true); planned["active"] != false || strings.Contains(listed(), "web/new") {
			t.Errorf("a plan made %v", planned)
		}
		added := add(true, false)
		if want := `{"autosubscribe":true,"repotags":["v1","v2"],"tagcount":3}`; added["active"] != true || added["subscription_value"] != want || !strings.Contains(listed(), "web/new") {
			t.Errorf("added: %v", added)
		}
		stored, _, err := f.store.Repository(t.Context(), name)
		f.must(err)
		stored.Filter.Newest, stored.Poll = 2, time.Hour
		f.must(f.store.SaveRepository(t.Context(), stored, now))
		add(false, false)
		if stored, _, err = f.store.Repository(t.Context(), name); err != nil || stored.Filter.Newest != 2 || stored.Poll != time.Hour || fmt.Sprint(stored.Types) != "[analysis_update]" {
			t.Errorf("added again: %+v, %v", stored, err)
		}
		status, answer := f.anchore("web-act", "POST", "/repositories?repository=ghcr.io/other/new", "")
		f.refusal("outside of the token's limits", status, answer, http.StatusNotFound, "not among")
		address := "/subscriptions/" + added["subscription_id"].(string)
		if off := f.only(f.done("web-act", "PUT", address, fmt.Sprintf(`{"active": false, "subscription_key": %q, "subscription_type": "repo_update"}`, name))); off["active"] != false {
			t.Errorf("unwatched: %v", off)
		}
		status, answer = f.anchore("web-act", "DELETE", address, "")
		f.refusal("what is not watched", status, answer, http.StatusNotFound, "subscription not found")
		shop := f.only(f.done("web-read", "GET", "/subscriptions?subscription_type=repo_update", ""))
		if answer := f.done("web-act", "DELETE", "/subscriptions/"+shop["subscription_id"].(string), ""); answer != true || listed() != "[]" {
			t.Errorf("the deletion answers %v, and leaves %s", answer, listed())
		}
	})
}

// TestAnchoreSystem: a client fetches vulnerability data and sends a sample, and learns what
// came of it.
func TestAnchoreSystem(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		held, verdict := []string(nil), delivery.VerdictDelivered
		f.completes = func(result any) {
			switch into := result.(type) {
			case *workflows.Synced:
				into.Held = held
			case *delivery.TestResult:
				into.Verdict, into.Status = verdict, http.StatusServiceUnavailable
			}
		}
		answer := f.done("admin", "POST", "/system/feeds?flush=False", "")
		f.golden("feeds-synced", answer)
		if feed := f.only(answer); feed["feed"] != "vulnerabilities" || feed["status"] != "success" {
			t.Errorf("fetched: %v", feed)
		}
		held = []string{"half of it is gone"}
		if feed := f.only(f.done("admin", "POST", "/system/feeds", "")); feed["status"] != "held" {
			t.Errorf("on hold: %v", feed)
		}
		f.golden("webhook-tested", f.done("admin", "POST", "/system/webhooks/ops/test?notification_type=policy_eval", ""))
		verdict = delivery.VerdictRetry
		status, refused := f.anchore("admin", "POST", "/system/webhooks/ops/test", "")
		f.refusal("a sample that is not accepted", status, refused, http.StatusBadGateway, "did not accept the sample: status 503")
	})
}
