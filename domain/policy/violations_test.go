package policy

import (
	"strings"
	"testing"
)

// violation is a bundle and the one problem that it must show.
type violation struct {
	name     string
	document string
	severity Severity
	kind     string
	path     string
	details  string // part of them
}

// document is a whole bundle with a text of it replaced.
func replaced(old, by string) string {
	return strings.Replace(parts{whitelists: whitelistOf("w", itemOf("i", "always", "always", "")), mappings: mappingOf("*", "*", "tag", "*", `"p"`, `"w"`)}.document(), old, by, 1)
}

// withRule is a bundle with one rule.
func withRule(rule string) string { return parts{policies: policyOf("p", rule)}.document() }

const (
	rulePath  = "policies[0].rules[0]"
	itemPath  = "whitelists[0].items[0]"
	valuePath = "policies[0].rules[0].params[0].value"
)

var violations = []violation{
	{"bundle without id", replaced(`"id": "b", `, ""), Error, problemInvalid, "id", "required"},
	{"bundle without version", replaced(`"id": "b", "version": "1_0"`, `"id": "b"`), Error, problemVersion, "version", `write "version": "1_0"`},
	{"bundle of another version", replaced(`"1_0"`, `"2_0"`), Error, problemVersion, "version", `"2_0"`},
	{"bundle without policies", replaced(`"policies"`, `"polices"`), Error, problemInvalid, "policies", "list is required"},
	{"bundle without mappings", replaced(`"mappings"`, `"maps"`), Error, problemInvalid, "mappings", "list is required"},
	{"image list null", replaced(`"whitelisted_images": []`, `"whitelisted_images": null`), Error, problemInvalid, "whitelisted_images", "write []"},
	{"policy of another version", replaced(`"id": "p", "version": "1_0"`, `"id": "p", "version": 1`), Error, problemInvalid, "policies[0].version", "string"},
	{"policy without rules", replaced(`"rules"`, `"rule"`), Error, problemInvalid, "policies[0].rules", "may be empty"},
	{"whitelist without version", replaced(`"id": "w", "version": "1_0"`, `"id": "w"`), Error, problemVersion, "whitelists[0].version", "1_0"},
	{"whitelist without items", replaced(`"items"`, `"item"`), Error, problemInvalid, "whitelists[0].items", "may be empty"},

	{"mapping with both forms", replaced(`"policy_ids"`, `"policy_id": "p", "policy_ids"`), Error, problemInvalid, "mappings[0].policy_id", "not both"},
	{"mapping without policy", replaced(`"policy_ids": ["p"]`, `"policy_ids": [""]`), Error, problemInvalid, "mappings[0]", "names no policy"},
	{"mapping without image", replaced(`"image"`, `"images"`), Error, problemInvalid, "mappings[0].image", "expected an object"},
	{"mapping without registry", replaced(`"registry"`, `"host"`), Error, problemInvalid, "mappings[0].registry", "required"},
	{"mapping of unknown type", replaced(`"type": "tag"`, `"type": "tags"`), Error, problemInvalid, "mappings[0].image.type", `did you mean "tag"`},
	{"mapping with a bad expression", replaced(`"registry": "*"`, `"registry": "regexp:("`), Error, problemExpression, "mappings[0].registry", "does not compile"},
	{"mapping to no policy", parts{policies: policyOf("base"), mappings: mappingOf("*", "*", "tag", "*", `"bsae"`, "")}.document(), Error, problemReference, "mappings[0].policy_ids[0]", `did you mean "base"`},
	{"mapping to no whitelist", replaced(`["w"]`, `["zz"]`), Error, problemReference, "mappings[0].whitelist_ids[0]", `no whitelist has the id "zz"`},
	{"mapping to two policies of an id", parts{policies: policyOf("p") + "," + policyOf("p")}.document(), Error, problemDuplicate, "mappings[0].policy_ids[0]", "2 policy entries"},
	{"digest that is none", replaced(`"type": "tag"`, `"type": "digest"`), Warning, problemIneffective, "mappings[0].image.value", "selects nothing"},
	{"image id with algorithm", replaced(`"type": "tag", "value": "*"`, `"type": "id", "value": "sha256:00"`), Warning, problemIneffective, "mappings[0].image.value", "without sha256:"},
	{"bad image list entry", parts{blacklisted: imageOf("*", "*", "tag", "regexp:[")}.document(), Error, problemExpression, "blacklisted_images[0].image.value", "does not compile"},

	{"unknown gate", withRule(ruleOf("r", "vulnerability", "package", "STOP")), Error, problemGate, rulePath + ".gate", "unknown gate"},
	{"misspelt gate", withRule(ruleOf("r", "vulnerabilites", "package", "STOP")), Error, problemGate, rulePath + ".gate", `did you mean "vulnerabilities"`},
	{"unknown trigger", withRule(ruleOf("r", "passwd_file", "shellmatch", "STOP")), Error, problemTrigger, rulePath + ".trigger", "blacklist_shells"},
	{"missing action", withRule(`{"gate": "always", "trigger": "always"}`), Error, problemInvalid, rulePath + ".action", "required"},
	{"unknown action", withRule(alwaysRule("BLOCK")), Error, problemAction, rulePath + ".action", "STOP, WARN, GO"},
	{"params is an object", withRule(`{"gate": "always", "trigger": "always", "action": "GO", "params": {}}`), Error, problemInvalid, rulePath + ".params", "expected a list"},
	{"parameters", withRule(`{"gate": "always", "trigger": "always", "action": "GO", "parameters": []}`), Error, problemInvalid, rulePath + ".parameters", `"params"`},
	{"unknown parameter", withRule(ruleOf("r", "files", "name_match", "STOP", "regexp", "a", "regex", "a")), Error, problemParameterName, rulePath + ".params[0].name", `did you mean "regex"`},
	{"required parameter missing", withRule(ruleOf("r", "files", "name_match", "STOP")), Error, problemParameterValue, rulePath, `"regex" of files.name_match is required`},
	{"required parameter null", withRule(strings.Replace(ruleOf("r", "files", "name_match", "STOP", "regex", "a"), `"value": "a"`, `"value": null`, 1)), Error, problemParameterValue, rulePath, "is required"},
	{"value is a number", withRule(strings.Replace(ruleOf("r", "dockerfile", "exposed_ports", "STOP", "ports", "22", "type", "blacklist"), `"22"`, `22`, 1)), Error, problemParameterValue, valuePath, `write "22"`},
	{"value is a boolean", withRule(strings.Replace(ruleOf("r", "vulnerabilities", "package", "STOP", "fix_available", "true", "package_type", "all"), `"true"`, `true`, 1)), Error, problemParameterValue, valuePath, `write "true"`},
	{"value is no boolean", withRule(ruleOf("r", "vulnerabilities", "package", "STOP", "fix_available", "yes", "package_type", "all")), Error, problemParameterValue, valuePath, "is not true or false"},
	{"enumeration in capitals", withRule(ruleOf("r", "vulnerabilities", "package", "STOP", "severity", "HIGH", "package_type", "all")), Error, problemParameterValue, valuePath, `did you mean "high"`},
	{"no number list", withRule(ruleOf("r", "dockerfile", "exposed_ports", "STOP", "ports", "22,http", "type", "blacklist")), Error, problemParameterValue, valuePath, "list of whole numbers"},
	{"empty list element", withRule(ruleOf("r", "licenses", "blacklist_exact_match", "STOP", "licenses", "GPL,,MIT")), Error, problemParameterValue, valuePath, "without empty elements"},
	{"no integer", withRule(ruleOf("r", "vulnerabilities", "stale_feed_data", "WARN", "max_days_since_sync", "-1")), Error, problemParameterValue, valuePath, "whole number"},
	{"integer out of bounds", withRule(ruleOf("r", "vulnerabilities", "stale_feed_data", "WARN", "max_days_since_sync", "99999999999999999999")), Error, problemParameterValue, valuePath, "whole number"},
	{"empty float", withRule(ruleOf("r", "vulnerabilities", "package", "STOP", "cvss_v3_base_score", "", "package_type", "all")), Error, problemParameterValue, valuePath, "is not a number"},
	{"score in percent", withRule(ruleOf("r", "vulnerabilities", "package", "STOP", "epss_score", "10", "package_type", "all")), Error, problemParameterValue, valuePath, "is not a probability from 0 to 1"},
	{"bad expression in a parameter", withRule(ruleOf("r", "files", "name_match", "STOP", "regex", "*.pem")), Error, problemParameterValue, valuePath, "does not compile"},
	{"retired gate", withRule(ruleOf("r", "ANCHORESEC", "VULNHIGH", "STOP", "whatever", "x")), Warning, problemRetired, rulePath, `replace it with one of gate "vulnerabilities"`},
	{"retired gate without successor", withRule(ruleOf("r", "pkgdiff", "pkgadd", "STOP")), Warning, problemRetired, rulePath, "remove it"},
	{"unknown trigger of a retired gate", withRule(ruleOf("r", "anchoresec", "package", "STOP")), Error, problemTrigger, rulePath + ".trigger", "vulnhigh"},
	{"rule is a text", withRule(`"always"`), Error, problemInvalid, rulePath, "not a string"},
	{"keys repeat in a rule", withRule(strings.Replace(alwaysRule("GO"), `"action"`, `"action": "STOP", "action"`, 1)), Warning, problemDuplicate, rulePath + ".action", `"action" occurs more than once`},
	{"keys repeat in the bundle", replaced(`"whitelists"`, `"whitelists": [], "whitelists"`), Warning, problemDuplicate, "whitelists", "the last one counts"},
	{"keys repeat, one escaped", replaced(`"registry"`, `"r\u0065gistry": "x", "registry"`), Warning, problemDuplicate, "mappings[0].registry", `"registry"`},
	{"pattern of a secret's name", withRule(ruleOf("r", "secret_scans", "content_regex_checks", "STOP", "content_regex_name", "AWS_.*")), Warning, problemIneffective, valuePath, "not matched as a pattern"},
	{"pattern of a search's name", withRule(ruleOf("r", "files", "content_regex_match", "STOP", "regex_name", ".*password.*")), Warning, problemIneffective, valuePath, "not matched as a pattern"},
	{"mode of no file", withRule(ruleOf("r", "files", "attribute_match", "STOP", "mode", "0o104111", "filename", "/a")), Warning, problemIneffective, valuePath, "0o7777"},
	{"rule ids repeat", withRule(alwaysRule("GO") + "," + alwaysRule("WARN")), Warning, problemDuplicate, "policies[0].rules[1]", `"r"`},

	{"item without gate", replaced(`"gate": "always", "trigger_id"`, `"trigger_id"`), Error, problemInvalid, itemPath + ".gate", "required"},
	{"item without trigger id", replaced(`"trigger_id"`, `"trigger"`), Error, problemInvalid, itemPath + ".trigger_id", "required"},
	{"item with a bad expression", replaced(`"trigger_id": "always"`, `"trigger_id": "regexp:CVE(+"`), Error, problemExpression, itemPath + ".trigger_id", "does not compile"},
	{"item with a date only", replaced(`"expires_on": ""`, `"expires_on": "2020-10-15"`), Error, problemInvalid, itemPath + ".expires_on", "2030-01-31T00:00:00Z"},
	{"item for a retired gate", replaced(`"gate": "always", "trigger_id"`, `"gate": "ANCHORESEC", "trigger_id"`), Warning, problemIneffective, itemPath + ".gate", "retired"},
	{"item for an unknown gate", replaced(`"gate": "always", "trigger_id"`, `"gate": "allways", "trigger_id"`), Warning, problemIneffective, itemPath + ".gate", `did you mean "always"`},
	{"item for a bare vulnerability", replaced(`"gate": "always", "trigger_id": "always"`, `"gate": "vulnerabilities", "trigger_id": "CVE-2017-9999"`), Warning, problemIneffective, itemPath + ".trigger_id", `"CVE-2017-9999+*"`},
	{"item ids repeat", replaced(`"items": [`, `"items": [`+itemOf("i", "always", "x", "")+","), Warning, problemDuplicate, "whitelists[0].items[1]", `"i"`},

	{"fault of an unused policy", parts{policies: policyOf("p") + "," + policyOf("unused", ruleOf("r", "nope", "x", "STOP"))}.document(), Warning, problemGate, "policies[1].rules[0].gate", "has no effect"},
	{"fault of an unused whitelist", parts{whitelists: whitelistOf("unused", itemOf("i", "always", "regexp:(", ""))}.document(), Warning, problemExpression, itemPath + ".trigger_id", "has no effect"},
	{"unused policies of an id", parts{policies: policyOf("p") + "," + policyOf("q") + "," + policyOf("q")}.document(), Warning, problemDuplicate, "policies[2]", `"q"`},
}

func TestViolations(t *testing.T) {
	t.Parallel()
	for _, tt := range violations {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := Parse([]byte(tt.document))
			for _, p := range problems {
				if p.Severity == tt.severity && p.Type == tt.kind && p.Path == tt.path && strings.Contains(p.Details, tt.details) {
					return
				}
			}
			t.Errorf("no %s %s at %s with %q among\n%v", tt.severity, tt.kind, tt.path, tt.details, problems)
		})
	}
}

// TestFaultsStop evaluates the bundles that an upload would have refused, as if
// they had been stored by an earlier release.
func TestFaultsStop(t *testing.T) {
	t.Parallel()
	for _, tt := range violations {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, problems := Parse([]byte(tt.document))
			got := evaluate(t, b, input(), noon)
			if !Valid(problems) && (got.FinalAction != Stop || Valid(got.Problems)) {
				t.Errorf("final action %s with problems %v", got.FinalAction, got.Problems)
			}
		})
	}
}

// TestAllProblemsAreReported has several mistakes in one bundle.
func TestAllProblemsAreReported(t *testing.T) {
	t.Parallel()
	rules := ruleOf("r1", "nope", "x", "STOP") + "," + ruleOf("r2", "files", "nope", "HALT") + "," + ruleOf("r3", "files", "name_match", "STOP", "a", "", "b", "")
	_, problems := Parse([]byte(parts{
		policies:   policyOf("p", rules),
		whitelists: whitelistOf("w", itemOf("i", "", "", "tomorrow")),
		mappings:   mappingOf("regexp:(", "*", "tag", "regexp:(", `"p"`, `"w"`),
	}.document()))
	if got := len(errorsOf(problems)); got != 11 {
		t.Errorf("%d errors, want 11: %v", got, problems)
	}
}
