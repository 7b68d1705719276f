package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/operations"
)

// bundleText is a bundle of that id, with a comment.
func bundleText(id, comment string) string {
	return fmt.Sprintf(`{"id": %q, "version": "1_0", "comment": %q, "policies": [{"id": "p", "version": "1_0", "rules": []}], "mappings": []}`, id, comment)
}

// TestPolicies: a bundle is added, read, replaced as it was read, and deleted unless it is
// active; each is recorded once.
func TestPolicies(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		save := func(body string, headers ...string) (*http.Response, string) {
			return f.send("admin", "POST", "/api/v1/policies", body, headers...)
		}
		response, body := save(fmt.Sprintf(`{"bundle": %s, "note": "first"}`, bundleText("new", "one")))
		if response.StatusCode != http.StatusOK || response.Header.Get("Location") != "" || !strings.Contains(body, `"new":true`) || strings.Contains(body, `"task"`) {
			t.Fatalf("a new bundle: %d %s", response.StatusCode, body)
		}
		shown, body := f.send("read", "GET", "/api/v1/policy?id=new&as_text=true", "")
		var content operations.PolicyContent
		f.must(json.Unmarshal([]byte(body), &content))
		seen := shown.Header.Get("ETag")
		if content.Text != bundleText("new", "one") || content.Active || !strings.HasPrefix(seen, `"`+content.Hash+`-`) {
			t.Errorf("it is shown as %s, %s", seen, body)
		}
		statuses := make([]int, 5)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				response, _ := save(fmt.Sprintf(`{"bundle": %s}`, bundleText("new", fmt.Sprint("by ", i))), "If-Match", seen)
				statuses[i] = response.StatusCode
			})
		}
		all.Wait()
		won := 0
		for _, status := range statuses {
			if status == http.StatusOK {
				won++
			} else if status != http.StatusPreconditionFailed {
				t.Errorf("changed at once: %v", statuses)
			}
		}
		_, body = f.send("read", "GET", "/api/v1/policy/versions?id=new", "")
		rows := must(f.store.Audit(t.Context(), audit.Filter{Subject: "new"}))(t)
		if won != 1 || strings.Count(body, `"version":`) != 2 || !strings.Contains(body, `"change":"first"`) || len(rows) != 2 {
			t.Errorf("%d of %v won: %s, %d rows in the trail", won, statuses, body, len(rows))
		}
		f.expect(f.send("admin", "DELETE", "/api/v1/policy?id=new", "", "If-Match", seen))(http.StatusPreconditionFailed, "the deletion of another content")
		if response, body := f.send("admin", "DELETE", "/api/v1/policy?id=new", ""); response.StatusCode != http.StatusOK {
			t.Errorf("the deletion: %d %s", response.StatusCode, body)
		}
		f.expect(f.send("admin", "DELETE", "/api/v1/policy?id=new", ""))(http.StatusNotFound, "the deletion of what is gone")
		f.expect(f.send("admin", "DELETE", "/api/v1/policy?id="+policy.Default().ID, ""))(http.StatusConflict, "the deletion of the active one")
	})
}

// TestPolicyProblems: what is wrong with a bundle is answered with its places, and nothing is
// stored; a bundle may be larger than other bodies.
func TestPolicyProblems(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		faulty := strings.Replace(bundleText("new", ""), `"mappings": []`, `"mappings": [{"id": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["q"]}]`, 1)
		response, body := f.send("admin", "POST", "/api/v1/policies", fmt.Sprintf(`{"bundle": %s}`, faulty))
		if response.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `"location":"mappings[0].policy_ids[0]"`) || !strings.Contains(body, `no policy has the id`) {
			t.Errorf("%d %s", response.StatusCode, body)
		}
		f.expect(f.send("read", "GET", "/api/v1/policy?id=new", ""))(http.StatusNotFound, "an invalid bundle")
		f.expect(f.send("admin", "POST", "/api/v1/policies", `{}`))(http.StatusUnprocessableEntity, "no bundle")
		_, body = f.send("read", "POST", "/api/v1/policies/validate", fmt.Sprintf(`{"text": %q}`, faulty))
		if !strings.Contains(body, `"valid":false`) || !strings.Contains(body, `"path":"mappings[0].policy_ids[0]"`) {
			t.Errorf("validated: %s", body)
		}
		large := strings.Repeat("a", 3<<20)
		if response, body := f.send("admin", "POST", "/api/v1/policies", fmt.Sprintf(`{"bundle": %s}`, bundleText("large", large))); response.StatusCode != http.StatusOK {
			t.Errorf("a large bundle: %d %.300s", response.StatusCode, body)
		}
		f.expect(f.send("admin", "POST", "/api/v1/tokens", fmt.Sprintf(`{"name": %q}`, large)))(http.StatusRequestEntityTooLarge, "another large body")
		f.expect(f.send("admin", "POST", "/api/v1/policies", strings.Repeat(" ", 13<<20)))(http.StatusRequestEntityTooLarge, "a body larger than any bundle")
	})
}

// TestActivePolicyChanges: a change of the active bundle is answered with the task that
// evaluates the tags, and is not stored without a Temporal.
func TestActivePolicyChanges(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		active := policy.Default().ID
		before := must(f.store.ActiveBundle(t.Context()))(t)
		change := fmt.Sprintf(`{"bundle": %s}`, bundleText(active, "changed"))
		f.fails = fmt.Errorf("connect to Temporal: %w", errkind.Unavailable)
		f.send("admin", "POST", "/api/v1/policies", change)
		if stored := must(f.store.ActiveBundle(t.Context()))(t); stored.Hash != before.Hash {
			t.Error("what cannot be applied was stored")
		}
		f.fails = nil
		for what, body := range map[string]string{"the active bundle": change, "one to activate": fmt.Sprintf(`{"bundle": %s, "activate": true}`, bundleText("other", ""))} {
			response, answer := f.send("admin", "POST", "/api/v1/policies", body)
			if response.StatusCode != http.StatusAccepted || !strings.HasPrefix(response.Header.Get("Location"), "/api/v1/tasks/") || !strings.Contains(answer, `"kind":"apply-policy"`) {
				t.Errorf("%s: %d %s", what, response.StatusCode, answer)
			}
		}
		if response, answer := f.send("admin", "POST", "/api/v1/policies", change); response.StatusCode != http.StatusOK {
			t.Errorf("the same content again: %d %s", response.StatusCode, answer)
		}
	})
}

// TestComparedPages: a comparison by pages lists each tag once, and a token that is limited to
// some tags compares these alone.
func TestComparedPages(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		strict := strings.NewReplacer(`"rules": []`, `"rules": [{"id": "r", "gate": "always", "trigger": "always", "action": "STOP", "params": []}]`,
			`"mappings": []`, `"mappings": [{"id": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"]}]`).Replace(bundleText("strict", ""))
		after, listed := "", ""
		for pages := 0; ; pages++ {
			var page operations.Comparison
			_, body := f.send("read", "POST", "/api/v1/policies/compare", fmt.Sprintf(`{"new": {"bundle": %s}, "all": true, "limit": 1, "after": %q}`, strict, after))
			f.must(json.Unmarshal([]byte(body), &page))
			if page.Evaluated.Evaluated != 1 || pages > 1 {
				t.Fatalf("page %d: %s", pages, body)
			}
			for _, tag := range page.Differ {
				listed += tag.Target.String() + " "
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if listed != outside+" "+inside+" " {
			t.Errorf("listed %s", listed)
		}
		_, body := f.send("web-read", "POST", "/api/v1/acceptances/compare", fmt.Sprintf(`{"accept": {"vulnerabilities": ["CVE-2026-0001"], "until": "fixed", "reason": "r", "subject": %q}, "all": true}`, inside))
		if !strings.Contains(body, `"tags_evaluated":1,"tags_skipped":0`) || strings.Contains(body, "nginx") {
			t.Errorf("with bounds: %s", body)
		}
	})
}
