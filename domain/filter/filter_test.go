package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func facts() filter.Facts {
	score := 0.25
	return filter.Facts{
		Finding: &filter.Finding{Change: notification.Updated, Aspects: []vuln.Aspect{vuln.AspectSeverity}, Finding: vuln.Finding{
			ID: "CVE-2026-1234", Severity: vuln.High, EPSS: &score, CVSS: []vuln.CVSS{{Base: 7.5}},
			Related: []vuln.Related{{ID: "GHSA-aaaa-bbbb-cccc", CVSS: []vuln.CVSS{{Base: 8.1}}}},
			Fix:     vuln.Fix{State: vuln.FixKnown, Versions: []string{"1.2.4", "2.0.1"}},
			Package: vuln.Package{Name: "openssl", Version: "1.2.3", Type: "deb", PURL: "pkg:deb/debian/openssl@1.2.3"},
		}},
		Notification: &filter.Notification{Type: notification.VulnUpdate, Causes: []notification.Cause{notification.CauseFeed, notification.CausePolicy},
			Registry: "ghcr.io", Repository: "web/shop", Tag: "1.0", Platform: "linux/arm64", Labels: map[string]string{"team": "web"},
			Places: vuln.Places{{Name: "openssl", Version: "1.2.3", Type: "deb", PURL: "pkg:deb/debian/openssl@1.2.3"}: {Paths: []string{"/app/lib", "/usr/lib"}, Layer: "own"}}},
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		`severity >= high`: true,
		`severity > high`:  false,
		`severity == critical || known_exploited || epss > 0.1`:   true,
		`severity in [low, medium]`:                               false,
		`cvss >= 8.0`:                                             true,
		`cvss > 8.1`:                                              false,
		`known_exploited`:                                         false,
		`fixable && fix_state == "fixed"`:                         true,
		`"2.0.1" in fix_versions`:                                 true,
		`fix_versions.exists(v, v.startsWith("1."))`:              true,
		`id == "CVE-2026-1234"`:                                   true,
		`aliases.exists(a, a.startsWith("GHSA-"))`:                true,
		`package_name.matches("^open(ssl|ssh)$")`:                 true,
		`package_type == "rpm"`:                                   false,
		`package_version == "1.2.3"`:                              true,
		`purl.contains("/debian/")`:                               true,
		`change == "added"`:                                       false,
		`change == "updated" && "severity" in updated`:            true,
		`notification_type == "vuln_update"`:                      true,
		`"policy" in causes`:                                      true,
		`registry == "ghcr.io" && repository.startsWith("web/")`:  true,
		`tag == "1.0" && platform == "linux/arm64"`:               true,
		`labels["team"] == "web"`:                                 true,
		`"tier" in labels && labels["tier"] == "1"`:               false,
		`labels["tier"] == "1"`:                                   false,
		`labels.tier != "1"`:                                      true,
		`"tier" in labels || has(labels.tier)`:                    false,
		`has(labels.team) && labels.size() == 1`:                  true,
		`status == "fail"`:                                        false,
		`path.exists(p, p.startsWith("/app/"))`:                   true,
		`path.all(p, p.startsWith("/app/"))`:                      false,
		`layer == "own" && severity >= high`:                      true,
		`layer == "base"`:                                         false,
		`severity >= high && !(package_name in ["openssl"])`:      false,
		`severity >= (registry == "ghcr.io" ? critical : medium)`: false,
	} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			compiled, err := filter.Compile(expression)
			if err != nil {
				t.Fatal(err)
			}
			f := facts()
			if got, err := compiled.Matches(&f); err != nil || got != want {
				t.Errorf("selects %v, want %v (%v)", got, want, err)
			}
		})
	}
}

// TestUnknownPlaces: what depends on a place that is not known is let through, and what
// does not is judged.
func TestUnknownPlaces(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		`layer == "own"`:                               true,
		`layer == "base"`:                              true,
		`!(layer == "base")`:                           true,
		`layer == "own" && severity >= critical`:       false,
		`path.exists(p, p.startsWith("/app/"))`:        true,
		`!path.exists(p, p.startsWith("/usr/"))`:       true,
		`path.size() == 0 && package_name == "zlib"`:   false,
		`layer == "own" ? severity >= critical : true`: true,
	} {
		compiled, err := filter.Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		nowhere, gone := facts(), facts()
		nowhere.Notification.Places = nil
		gone.Finding.Change = notification.Removed // from an image that is not kept
		for name, f := range map[string]filter.Facts{"no places": nowhere, "no places before": gone} {
			if got, err := compiled.Matches(&f); err != nil || got != want {
				t.Errorf("%s, %s: selects %v, want %v (%v)", expression, name, got, want, err)
			}
		}
		if news, err := compiled.DropsByRating(&nowhere); err != nil || !news && strings.Contains(expression, "critical") {
			t.Errorf("%s: drops news of exploitation: %v", expression, err)
		}
	}
}

// TestWithoutFindings: a notification that is not about findings is dropped only if
// what is known of it decides so.
func TestWithoutFindings(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		`severity >= high`: true,
		`notification_type == "vuln_update" && severity >= high`:                                     false,
		`severity >= high || notification_type == "tag_update"`:                                      true,
		`registry == "docker.io"`:                                                                    false,
		`registry == "ghcr.io" && aliases.exists(a, a == id)`:                                        true,
		`labels["team"] == "web" ? severity >= low : known_exploited`:                                true,
		`!known_exploited && tag == "2"`:                                                             false,
		`notification_type != "tag_update" || cvss > 1.0 && "x" in updated && !("time" in causes)`:   true,
		`notification_type == "policy_eval" ? status_before == "pass" : tag != "1.0"`:                false,
		`(known_exploited || !known_exploited) && repository == "web/shop" && platform.size() > 100`: false,
	} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			compiled, err := filter.Compile(expression)
			if err != nil {
				t.Fatal(err)
			}
			f := facts()
			f.Finding, f.Notification.Type = nil, notification.TagUpdate
			if got, err := compiled.Matches(&f); err != nil || got != want {
				t.Errorf("selects %v, want %v (%v)", got, want, err)
			}
		})
	}
}

// TestOfRepositories: a repo_update is about no single tag.
func TestOfRepositories(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		`tag.startsWith("1.")`:                          true,
		`status == "fail" || platform == "linux/arm64"`: true,
		`severity >= high && tag == "2"`:                true,
		`registry == "docker.io" && tag == "2"`:         false,
		`notification_type != "repo_update"`:            false,
	} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			compiled, err := filter.Compile(expression)
			if err != nil {
				t.Fatal(err)
			}
			f := filter.Facts{Notification: &filter.Notification{Type: notification.RepoUpdate, Registry: "ghcr.io", Repository: "web/shop"}}
			if got, err := compiled.Matches(&f); err != nil || got != want {
				t.Errorf("selects %v, want %v (%v)", got, want, err)
			}
		})
	}
}

// TestDropsByRating tells what known exploitation overrides from what it does not.
func TestDropsByRating(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		`severity >= critical`:                                           true,
		`severity >= critical && registry == "ghcr.io"`:                  true,
		`severity >= critical && registry == "docker.io"`:                false,
		`fix_state == "wont-fix"`:                                        true,
		`package_type == "rpm"`:                                          false,
		`!fixable || package_name == "zlib"`:                             true,
		`change == "removed" && epss > 0.9`:                              false,
		`id != "CVE-2026-1234" && severity >= low`:                       false,
		`labels["team"] == "web" ? cvss > 9.0 : tag == "2"`:              true,
		`fix_versions.exists(v, v == "9") || aliases.exists(a, a == "")`: true,
	} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			compiled, err := filter.Compile(expression)
			if err != nil {
				t.Fatal(err)
			}
			f := facts()
			if selected, err := compiled.Matches(&f); err != nil || selected {
				t.Fatalf("selects %v (%v), want false", selected, err)
			}
			if got, err := compiled.DropsByRating(&f); err != nil || got != want {
				t.Errorf("by its rating: %v, want %v (%v)", got, want, err)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	for expression, want := range map[string]struct {
		text string
		kind error
	}{
		``:                          {"is empty", errkind.Invalid},
		`severity >=`:               {"column 12", errkind.Invalid},
		`severity >= "high"`:        {"column 10", errkind.Invalid},
		`severity >= hihg`:          {"hihg", errkind.Invalid},
		`cvss >= 7`:                 {"column 6", errkind.Invalid},
		`severity`:                  {"true or false", errkind.Invalid},
		`epss > 0.1 &&`:             {"column 14", errkind.Invalid},
		`id.matches("(")`:           {"error parsing regexp", errkind.Invalid},
		`known_exploited == "true"`: {"column 17", errkind.Invalid},
		`status == 'fail`:           {"column 11", errkind.Invalid},
		`aliases.exists(a, aliases.exists(b, aliases.exists(c, a + b == c)))`: {"may cost", errkind.Limit},
		`id == "` + strings.Repeat(long, 20) + `"`:                            {"6008 bytes", errkind.Limit},
		`has(severity)`:                {"as has(labels.team)", errkind.Invalid},
		`aliases.map(a, a).size() > 1`: {"column 12", errkind.Invalid},
		strings.Repeat("(", 300) + "true" + strings.Repeat(")", 300): {"", errkind.Invalid},
	} {
		t.Run(expression[:min(len(expression), 40)], func(t *testing.T) {
			t.Parallel()
			_, err := filter.Compile(expression)
			if err == nil || !strings.Contains(err.Error(), want.text) || !errors.Is(err, want.kind) {
				t.Errorf("error %v, want %q and %v", err, want.text, want.kind)
			}
		})
	}
}

// BenchmarkMatches is one receiver's expression over one finding.
func BenchmarkMatches(b *testing.B) {
	compiled, err := filter.Compile(`severity >= high || known_exploited || epss > 0.3`)
	if err != nil {
		b.Fatal(err)
	}
	f := facts()
	f.Finding.Severity = vuln.Medium
	for b.Loop() {
		if _, err := compiled.Matches(&f); err != nil {
			b.Fatal(err)
		}
	}
}
