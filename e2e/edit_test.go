package e2e_test

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestEditsOfTheActiveBundleApply: a rule that is added to the active bundle turns a tag, and a
// rollback turns it back, each with a notification whose cause is the policy. A dry run
// and an edit of another bundle do neither.
func TestEditsOfTheActiveBundleApply(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do("policy", "add", "--activate", i.file("strict.json", strict))
	i.do("policy", "add", i.file("other.json", strings.Replace(strict, `"id": "strict"`, `"id": "other"`, 1)))
	reference := i.push("shop/api:1", lab.Debian(lab.Deb{Name: "telnet", Version: "1"}))
	i.do("subscribe", "--wait", reference)
	story := told{i, map[string]int{"analysis_update image shop/api:1": 1}}
	story.so("subscribed")
	if status := i.status(reference); status != "pass" {
		t.Fatalf("before, the tag is %s", status)
	}
	rule := []string{"policy", "rule", "add", "packages.blacklist", "name=telnet", "--action", "stop"}
	if out := i.do(append(rule, "--dry-run")...); !strings.Contains(out, "pass (go) -> fail (stop)") {
		t.Errorf("the dry run says\n%s", out)
	}
	i.do(append(rule, "--bundle", "other")...)
	story.so("dry run, and another bundle")

	i.do(rule...)
	story.so("the rule is added", "policy_eval policy shop/api:1")
	if status := i.status(reference); status != "fail" {
		t.Errorf("with the rule, the tag is %s", status)
	}
	i.do("policy", "rollback", "--version", "1")
	story.so("rolled back", "policy_eval policy shop/api:1")
	if status := i.status(reference); status != "pass" {
		t.Errorf("rolled back, the tag is %s", status)
	}
}
