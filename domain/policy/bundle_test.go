package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// customary is a bundle as people have them: the older policy_id, extra keys
// everywhere, names in capitals, an absent list.
const customary = `{
  "id": "2c53a13c", "version": "1_0", "name": "Customary", "comment": "c", "description": "d", "active": true, "userId": "admin",
  "policies": [{
    "id": "48e6f7d6", "version": "1_0", "name": "DefaultPolicy", "comment": "c", "last_updated": 1500000000,
    "rules": [
      {"id": "1", "gate": "DOCKERFILE", "trigger": "Exposed_Ports", "action": "STOP", "comment": "c",
       "params": [{"name": "PORTS", "value": "22, 23"}, {"name": "type", "value": "blacklist", "comment": "c"}]},
      {"id": "2", "gate": "vulnerabilities", "trigger": "package", "action": "stop",
       "params": [{"name": "package_type", "value": "all"}, {"name": "severity", "value": "low"},
                  {"name": "severity", "value": "high"}, {"name": "fix_available", "value": "TRUE"}, {"name": "max_days_since_fix", "value": null}]},
      {"gate": "vulnerabilities", "trigger": "vulnerability_data_unavailable", "action": "WARN"},
      {"gate": "passwd_file", "trigger": "blacklist_usernames", "action": "GO", "params": [{"name": "usernameblacklist", "value": "daemon"}]}
    ]
  }],
  "whitelists": [{
    "id": "37fd763e", "version": "1_0", "name": "Global Whitelist", "comment": "c",
    "items": [{"gate": "vulnerabilities", "trigger": "package", "trigger_id": "CVE-2018-11236+*", "id": "rule2", "comment": "c"},
              {"gate": "vulnerabilities", "trigger_id": "CVE-2018-11237+glibc", "expires_on": null}]
  }],
  "mappings": [
    {"id": "m1", "name": "old form", "registry": "docker.io", "repository": "library/*", "image": {"type": "tag", "value": "*"},
     "policy_id": "48e6f7d6", "whitelist_ids": ["37fd763e"], "comment": "c"},
    {"name": "new form", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"},
     "policy_id": "", "policy_ids": ["48e6f7d6"]}
  ],
  "blacklisted_images": [{"name": "n", "registry": "*", "repository": "evil/*", "image": {"type": "tag", "value": "*"}}]
}`

func TestCustomaryBundle(t *testing.T) {
	t.Parallel()
	b, problems := Parse([]byte(customary))
	if len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	rule := b.Policies[0].Rules[1]
	if rule.Params["severity"] != "high" {
		t.Errorf("severity %q, want that of the last parameter of the name", rule.Params["severity"])
	}
	if _, given := rule.Params["max_days_since_fix"]; given {
		t.Error("a parameter with the value null counts as given")
	}
	if got := b.Policies[0].Rules[3].Params["user_names"]; got != "daemon" {
		t.Errorf("user_names %q, want the value of its alias", got)
	}
}

func TestDocumentIsEchoed(t *testing.T) {
	t.Parallel()
	b := parse(t, "\n "+customary+"\n")
	got, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	compact(t, &want, customary)
	if string(got) != want.String() {
		t.Errorf("echoed as %s", got)
	}
}

func compact(t *testing.T, out *strings.Builder, document string) {
	t.Helper()
	var raw json.RawMessage = []byte(document)
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
}

func TestHash(t *testing.T) {
	t.Parallel()
	plain := parts{}.document()
	tests := []struct {
		name  string
		other string
		equal bool
	}{
		{"itself", plain, true},
		{"other blanks", strings.ReplaceAll(plain, ": ", " :\n"), true},
		{"other order", strings.Replace(strings.Replace(plain, `"id": "b", `, "", 1), `"policies"`, `"id": "b", "policies"`, 1), true},
		{"other content", strings.Replace(plain, "STOP", "WARN", 1), false},
		{"an ignored key more", strings.Replace(plain, "{", `{"comment": "new", `, 1), false},
	}
	want := parse(t, plain).Hash()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := parse(t, tt.other).Hash(); (got == want) != tt.equal {
				t.Errorf("hashes %s and %s, want them equal: %v", got, want, tt.equal)
			}
		})
	}
}

func TestDefaultBundle(t *testing.T) {
	t.Parallel()
	b, problems := Parse(defaultBundle)
	if len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	if got := Default(); got.Hash() != b.Hash() || got.ID == "" || len(got.Mappings) == 0 {
		t.Errorf("default bundle %q with %d mappings", got.ID, len(got.Mappings))
	}
}

func TestUnreadableDocument(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, document, want string }{
		{"empty", "", "not JSON"},
		{"null", "null", "expected an object, not null"},
		{"a list", "[]", "expected an object, not a list"},
		{"a slip", "{\n\n\"id\": }", "(line 3)"},
		{"two documents", "{} {}", "not JSON"},
		{"a byte order mark", "\xef\xbb\xbf" + parts{}.document(), "byte order mark"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "UTF-16"},
		{"a record", `{"policyId": "b", "policybundle": ` + parts{}.document() + "}", "jq .policybundle"},
		{"a list of one record", `[{"policyId": "b", "policybundle": ` + parts{}.document() + "}]", "jq .[0].policybundle"},
		{"an empty record", `{"policybundle": {}}`, "record that holds a bundle"},
		{"not UTF-8", "{\"id\": \"\xff\"}", "UTF-8"},
		{"too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), "nests more than 64 levels"},
		{"too large", `{"id": "` + strings.Repeat("a", maxBundle) + `"}`, "at most 8388608 are allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, problems := Parse([]byte(tt.document))
			if Valid(problems) || !strings.Contains(problems[0].Details, tt.want) {
				t.Fatalf("problems %v, want one with %q", problems, tt.want)
			}
			if got := evaluate(t, b, input(), noon); got.FinalAction != Stop || got.Status != Fail {
				t.Errorf("an unreadable bundle evaluates to %s, %s", got.FinalAction, got.Status)
			}
		})
	}
}

func TestBracketsInTextsDoNotNest(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(`[{\"\\`, 100)
	b, problems := Parse([]byte(strings.Replace(parts{}.document(), "{", `{"comment": "`+text+`", `, 1)))
	if !Valid(problems) || b.ID != "b" {
		t.Errorf("problems %v", problems)
	}
}

func TestReportIsBounded(t *testing.T) {
	t.Parallel()
	bad := strings.TrimSuffix(strings.Repeat(`{"id": 7},`, 3*maxProblems), ",")
	b, problems := Parse([]byte(parts{policies: policyOf("p", bad)}.document()))
	if len(problems) > maxProblems+1 {
		t.Errorf("%d problems are listed", len(problems))
	}
	if last := problems[len(problems)-1]; !strings.Contains(last.Details, "of which the first 500 are listed") {
		t.Errorf("last problem %v", last)
	}
	if got := evaluate(t, b, input(), noon); got.FinalAction != Stop {
		t.Errorf("final action %s", got.FinalAction)
	}
}

// TestExpressionsAreBounded: many small items that compile to large programs.
func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	items, rules := make([]string, 600), make([]string, 600)
	for i := range items {
		items[i] = fmt.Sprintf(`{"gate": "always", "trigger_id": "regexp:a{1000}i%d"}`, i)
		rules[i] = ruleOf("", "files", "name_match", "GO", "regex", fmt.Sprintf("a{1000}r%d", i))
	}
	b, problems := Parse([]byte(parts{policies: policyOf("p", rules...), whitelists: whitelistOf("w", items...), mappings: mappingOf("*", "*", "tag", "*", `"p"`, `"w"`)}.document()))
	if Valid(problems) || !strings.Contains(problems[0].Details, "too large together") {
		t.Errorf("problems %v", problems)
	}
	if got := evaluate(t, b, input(), noon); got.FinalAction != Stop {
		t.Errorf("final action %s", got.FinalAction)
	}
}
