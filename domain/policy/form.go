package policy

import "strings"

// The versions of bundles: that of Anchore Engine, and that of Anchore Enterprise.
const (
	VersionEngine     = "1_0"
	VersionEnterprise = "2"
)

// enterpriseKeys are the keys that Anchore Enterprise has renamed, by those of
// Anchore Engine.
var enterpriseKeys = map[string]string{
	"policies":           "rule_sets",
	"whitelists":         "allowlists",
	"policy_ids":         "rule_set_ids",
	"whitelist_ids":      "allowlist_ids",
	"whitelisted_images": "allowlisted_images",
	"blacklisted_images": "denylisted_images",
}

// readVersion tells from the bundle's version how its keys are called.
func readVersion(o object) string {
	n := o.at("version")
	found := n.text()
	switch found {
	case VersionEngine:
	case VersionEnterprise:
		n.problems.keys = enterpriseKeys
	default:
		n.error(problemVersion, "version %q is not supported, write \"version\": %q, or %q for a policy of Anchore Enterprise", found, VersionEngine, VersionEnterprise)
	}
	return found
}

// checkVersion reports a version of a part that its bundle does not have.
func checkVersion(o object) {
	n := o.at("version")
	if found := n.text(); found != VersionEngine && (found != VersionEnterprise || n.problems.keys == nil) {
		n.error(problemVersion, "version %q is not supported, write \"version\": %q", found, VersionEngine)
	}
}

var (
	engineWords     = strings.NewReplacer("denylist", "blacklist", "allowlist", "whitelist")
	enterpriseWords = strings.NewReplacer("blacklist", "denylist", "whitelist", "allowlist")
)

// canonical is the name of a trigger, or a value of a list of words, as Anchore
// Engine writes it. Either spelling is accepted in all bundles.
func canonical(name string) string { return engineWords.Replace(name) }
