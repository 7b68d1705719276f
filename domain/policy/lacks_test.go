package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLacks(t *testing.T) {
	t.Parallel()
	bundle := parse(t, parts{policies: policyOf("p",
		ruleOf("old", "vulnerabilities", "package", "STOP", "package_type", "all"),
		ruleOf("exploited", "vulnerabilities", "package", "STOP", "package_type", "all", "known_exploited", "true", "epss_score", "0.1"),
		ruleOf("end", "distro", "end_of_life", "STOP"),
		ruleOf("unreadable", "packages", "unreadable_file", "STOP"),
		ruleOf("kev", "vulnerabilities", "kev_list", "STOP"),
		ruleOf("percentile", "vulnerabilities", "package", "STOP", "package_type", "all", "epss_percentile", "90"),
		ruleOf("retired", "suiddiff", "suiddiff", "STOP"),
	), mappings: mappingOf("*", "*", "tag", "*", `"p"`, "")}.document())
	for version, want := range map[string][]string{
		VersionEnterprise: {
			`policy "p", rule "exploited": Anchore Enterprise does not have the parameter known_exploited of vulnerabilities.package; it has vulnerabilities.kev_list`,
			`policy "p", rule "end": Anchore Enterprise does not have distro.end_of_life`,
			`policy "p", rule "unreadable": Anchore Enterprise does not have packages.unreadable_file`,
			`policy "p", rule "retired": Anchore Enterprise does not have the retired gate suiddiff`,
		},
		VersionEngine: {
			`policy "p", rule "exploited": Anchore Engine does not have the parameter epss_score of vulnerabilities.package`,
			`policy "p", rule "exploited": Anchore Engine does not have the parameter known_exploited of vulnerabilities.package`,
			`policy "p", rule "end": Anchore Engine does not have distro.end_of_life`,
			`policy "p", rule "unreadable": Anchore Engine does not have packages.unreadable_file`,
			`policy "p", rule "kev": Anchore Engine does not have vulnerabilities.kev_list`,
			`policy "p", rule "percentile": Anchore Engine does not have a parameter of vulnerabilities.package, which does nothing here either`,
			`policy "p", rule "retired": Anchore Engine does not have the retired gate suiddiff`,
		},
	} {
		if diff := cmp.Diff(want, Lacks(bundle, version)); diff != "" {
			t.Errorf("version %s lacks (-want +got)\n%s", version, diff)
		}
	}
}
