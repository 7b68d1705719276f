package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// interfaceOfGates is what bundles rely on: name, type, "!" for required, and
// default of each parameter, in this order.
var interfaceOfGates = map[string]string{
	"always.always":                                  "",
	"distro.end_of_life":                             "days_before:int=0",
	"dockerfile.instruction":                         "instruction:enum! check:enum! value:string actual_dockerfile_only:bool=false",
	"dockerfile.effective_user":                      "users:string! type:enum!",
	"dockerfile.exposed_ports":                       "ports:numlist! type:enum! actual_dockerfile_only:bool=false",
	"dockerfile.no_dockerfile_provided":              "",
	"files.content_regex_match":                      "regex_name:string",
	"files.name_match":                               "regex:regexp!",
	"files.attribute_match":                          "filename:string! checksum_algorithm:enum=sha256 checksum:string checksum_match:enum=equals mode:octal mode_op:enum=equals skip_missing:bool=true",
	"files.suid_or_guid_set":                         "",
	"licenses.blacklist_exact_match":                 "licenses:list!",
	"licenses.blacklist_partial_match":               "licenses:list!",
	"malware.scans":                                  "",
	"malware.scan_not_run":                           "",
	"metadata.attribute":                             "attribute:enum! check:enum! value:string!",
	"npms.newer_version_in_feed":                     "",
	"npms.unknown_in_feeds":                          "",
	"npms.version_not_in_feeds":                      "",
	"npms.blacklisted_name_version":                  "name:string! version:string",
	"npms.feed_data_unavailable":                     "",
	"packages.required_package":                      "name:string! version:string version_match_type:enum=exact",
	"packages.verify":                                "only_packages:list only_directories:list check:enum",
	"packages.blacklist":                             "name:string! version:string",
	"packages.unreadable_file":                       "",
	"packages.analysis_failed":                       "",
	"passwd_file.content_not_available":              "",
	"passwd_file.blacklist_usernames":                "user_names:list!",
	"passwd_file.blacklist_userids":                  "user_ids:numlist!",
	"passwd_file.blacklist_groupids":                 "group_ids:numlist!",
	"passwd_file.blacklist_shells":                   "shells:list!",
	"passwd_file.blacklist_full_entry":               "entry:string!",
	"retrieved_files.content_not_available":          "path:string!",
	"retrieved_files.content_regex":                  "path:string! check:enum! regex:regexp!",
	"ruby_gems.newer_version_found_in_feed":          "",
	"ruby_gems.not_found_in_feed":                    "",
	"ruby_gems.version_not_found_in_feed":            "",
	"ruby_gems.blacklist":                            "name:string! version:string",
	"ruby_gems.feed_data_unavailable":                "",
	"secret_scans.content_regex_checks":              "content_regex_name:string filename_regex:regexp match_type:enum=found",
	"vulnerabilities.stale_feed_data":                "max_days_since_sync:int!",
	"vulnerabilities.vulnerability_data_unavailable": "",
	"vulnerabilities.blacklist":                      "vulnerability_ids:list! vendor_only:bool=true",
	"vulnerabilities.package": "package_type:enum! severity_comparison:enum=> severity:enum=unknown " +
		"cvss_v3_base_score_comparison:enum=>= cvss_v3_base_score:float " +
		"cvss_v3_exploitability_score_comparison:enum=>= cvss_v3_exploitability_score:float " +
		"cvss_v3_impact_score_comparison:enum=>= cvss_v3_impact_score:float " +
		"fix_available:bool vendor_only:bool=true max_days_since_creation:int max_days_since_fix:int " +
		"vendor_cvss_v3_base_score_comparison:enum=>= vendor_cvss_v3_base_score:float " +
		"vendor_cvss_v3_exploitability_score_comparison:enum=>= vendor_cvss_v3_exploitability_score:float " +
		"vendor_cvss_v3_impact_score_comparison:enum=>= vendor_cvss_v3_impact_score:float " +
		"package_path_exclude:regexp known_exploited:bool epss_score_comparison:enum=>= epss_score:float",
}

func TestInterfaceOfGates(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, gate := range gates {
		for _, trigger := range gate.Triggers {
			var parameters []string
			for _, p := range trigger.Parameters {
				text := fmt.Sprintf("%s:%s", p.Name, p.Type)
				if p.Required {
					text += "!"
				}
				if p.Default != "" {
					text += "=" + p.Default
				}
				parameters = append(parameters, text)
			}
			got[gate.Name+"."+trigger.Name] = strings.Join(parameters, " ")
		}
	}
	if diff := cmp.Diff(interfaceOfGates, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestGatesAreDescribed(t *testing.T) {
	t.Parallel()
	for _, gate := range gates {
		if gate.Description == "" {
			t.Errorf("gate %s has no description", gate.Name)
		}
		for _, trigger := range gate.Triggers {
			if trigger.Description == "" || trigger.check == nil {
				t.Errorf("%s.%s has no description or no check", gate.Name, trigger.Name)
			}
			for _, p := range trigger.Parameters {
				checkParameter(t, gate.Name+"."+trigger.Name+"."+p.Name, p)
			}
		}
	}
}

// checkParameter requires a description, an example and a default that would be
// accepted.
func checkParameter(t *testing.T, name string, p Parameter) {
	t.Helper()
	if p.Description == "" || p.Example == "" {
		t.Errorf("%s has no description or no example", name)
	}
	for _, value := range []string{p.Example, p.Default} {
		if err := p.Type.check(value, p.Values); err != nil && value != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
