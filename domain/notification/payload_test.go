package notification_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

var (
	nginx  = image.Target{Reference: image.Repository{Registry: "docker.io", Path: "library/nginx"}.Reference("1.25")}
	first  = image.Digest("sha256:" + strings.Repeat("1", 64))
	second = image.Digest("sha256:" + strings.Repeat("2", 64))
	third  = image.Digest("sha256:" + strings.Repeat("3", 64))
	index  = image.Digest("sha256:" + strings.Repeat("9", 64))
)

func evidence(manifest image.Digest) notification.Evidence {
	return notification.Evidence{Image: image.Resolved{Manifest: manifest, Index: index}, Build: "build of " + string(manifest)[7:10], Bundle: "b"}
}

// payload builds a notification and decodes what it tells.
func payload(t *testing.T, content notification.Content, causes ...notification.Cause) tree {
	t.Helper()
	n, err := notification.New(notification.Heading{ID: "id", Account: "admin", Causes: causes, Created: noon}, content)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, n.Payload)
}

func TestCommonKeys(t *testing.T) {
	t.Parallel()
	content := notification.TagMoved{Target: nginx, Before: evidence(first), After: evidence(second)}
	got := payload(t, content, notification.CauseImage, notification.CauseFeed)
	want := tree{
		"notificationId": "id", "userId": "admin", "subscription_key": "docker.io/library/nginx:1.25", "subscription_type": "tag_update",
		"cause": "image", "causes": []any{"image", "feed"}, "tag": "docker.io/library/nginx:1.25", "platform": "linux/amd64",
		"imageDigest": string(second), "index_digest": string(index), "data_build": "build of 222", "bundle_hash": "b",
		"previous":  map[string]any{"imageDigest": string(first), "index_digest": string(index), "data_build": "build of 111", "bundle_hash": "b"},
		"last_eval": []any{string(first)}, "curr_eval": []any{string(second)}, "counts": map[string]any{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlatformIsPartOfTheKey(t *testing.T) {
	t.Parallel()
	arm := nginx
	arm.Platform = image.Platform{OS: "linux", Architecture: "arm64"}
	got := payload(t, notification.ImageAnalyzed{Target: arm, After: evidence(first)}, notification.CauseImage)
	for key, want := range map[string]string{"subscription_key": "docker.io/library/nginx:1.25@linux/arm64", "tag": "docker.io/library/nginx:1.25", "platform": "linux/arm64"} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if _, found := got["previous"]; found {
		t.Error("the first image of a tag has something previous")
	}
}

func TestAnalysisStatusOfAKnownImage(t *testing.T) {
	t.Parallel()
	for known, want := range map[bool]string{false: "analyzing", true: "analyzed"} {
		got := map[string]any(payload(t, notification.ImageAnalyzed{Target: nginx, After: evidence(first), Known: known}))
		if status, _ := at(got, "last_eval.analysis_status"); status != want {
			t.Errorf("known=%t: last status is %v, want %s", known, status, want)
		}
	}
}

// An image can hold any number of files that nobody can read.
func TestAnalysisListsUnreadableFiles(t *testing.T) {
	t.Parallel()
	files := slices.Repeat([]sbom.Unreadable{{Path: "/app/cut.jar", Cataloger: "java-archive-cataloger", Reason: "not a zip file"}}, 60)
	got := map[string]any(payload(t, notification.ImageAnalyzed{Target: nginx, After: evidence(first), Unreadable: files}))
	listed, _ := got["unreadable_files"].([]any)
	if number, _ := at(got, "counts.unreadable_files"); number != 60.0 || len(listed) != 50 {
		t.Errorf("%d listed of %v, want 50 of 60", len(listed), number)
	}
	if diff := cmp.Diff(map[string]any{"path": "/app/cut.jar", "cataloger": "java-archive-cataloger", "reason": "not a zip file"}, listed[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTagMovedListsThePredecessorFirst(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		before  image.Digest
		earlier []image.Digest
		want    []any
	}{
		{"nothing before", "", nil, []any{}},
		{"one", first, nil, []any{string(first)}},
		{"several", second, []image.Digest{first}, []any{string(second), string(first)}},
		{"moved back and forth", second, []image.Digest{first, second, first}, []any{string(second), string(first)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			content := notification.TagMoved{Target: nginx, Before: notification.Evidence{Image: image.Resolved{Manifest: test.before}}, After: evidence(third), Earlier: test.earlier}
			if diff := cmp.Diff(test.want, payload(t, content)["last_eval"]); diff != "" {
				t.Errorf("last_eval (-want +got):\n%s", diff)
			}
		})
	}
}

func finding(id string, severity vuln.Severity, fixes ...string) vuln.Finding {
	f := vuln.Finding{ID: id, Namespace: "debian:distro:debian:12", Severity: severity, URL: "https://example.com/" + id,
		Package: vuln.Package{Name: "openssl", Version: "3.0.9", Type: "deb"}}
	if len(fixes) > 0 {
		f.Fix = vuln.Fix{State: vuln.FixKnown, Versions: fixes}
	}
	return f
}

func TestVulnerabilityRecords(t *testing.T) {
	t.Parallel()
	before, after := finding("GHSA-1", vuln.High), finding("CVE-2023-0001", vuln.Critical, "3.0.10", "3.1.2")
	before.Namespace = "github:language:python"
	after.KnownExploited, after.Related, after.Records = true, []vuln.Related{{ID: "GHSA-1"}}, []string{"CVE-2023-0001", "OSV-1"}
	body := payload(t, notification.VulnerabilitiesChanged{Target: nginx, Before: evidence(first), After: evidence(first),
		Updated: []vuln.Update{{Previous: before, Current: after, Aspects: []vuln.Aspect{vuln.AspectName, vuln.AspectFix}}}}, notification.CauseFeed)
	want := map[string]any{"added": []any{}, "removed": []any{}, "updated": []any{map[string]any{
		"CVE_ID": "CVE-2023-0001", "Key": "CVE-2023-0001", "Records": []any{"CVE-2023-0001", "OSV-1"}, "Aliases": []any{"GHSA-1", "OSV-1"},
		"Severity": "Critical", "Vulnerable_Package": "openssl-3.0.9", "Fix_Available": "3.0.10,3.1.2",
		"URL": "https://example.com/CVE-2023-0001", "Package_Name": "openssl", "Package_Version": "3.0.9", "Package_Type": "dpkg",
		"Feed": "vulnerabilities", "Feed_Group": "debian:12", "Fix_State": "fixed", "Known_Exploited": true, "changes": []any{"name", "fix"},
		"previous": map[string]any{"CVE_ID": "GHSA-1", "Key": "GHSA-1", "Records": []any{"GHSA-1"}, "Feed_Group": "github:python",
			"Severity": "High", "Fix_Available": "None", "Fix_State": "unknown", "Known_Exploited": false},
	}}}
	if diff := cmp.Diff(want, body["diff_vulnerability_result"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if renamed, _ := at(map[string]any(body), "counts.renamed"); renamed != float64(1) {
		t.Errorf("renamed is %v, want 1", renamed)
	}
}

func TestFeedGroupsAreAnchores(t *testing.T) {
	t.Parallel()
	for namespace, want := range map[string]string{
		"debian:distro:debian:12":    "debian:12",
		"redhat:distro:redhat:9":     "rhel:9",
		"wolfi:distro:wolfi:rolling": "wolfi:rolling",
		"github:language:python":     "github:python",
		"nvd:cpe":                    "nvd",
		"something else":             "something else",
	} {
		f := finding("CVE-1", vuln.Low)
		f.Namespace = namespace
		got := map[string]any(payload(t, notification.VulnerabilitiesChanged{Target: nginx, Added: []vuln.Finding{f}}))
		if group, _ := at(got, "diff_vulnerability_result.added.Feed_Group"); group != want {
			t.Errorf("feed group of %s is %v, want %s", namespace, group, want)
		}
	}
}

func TestEqualInputsGiveEqualBytes(t *testing.T) {
	t.Parallel()
	list := []vuln.Finding{finding("CVE-3", vuln.Low), finding("CVE-2", vuln.High), finding("CVE-1", vuln.High), finding("CVE-0", vuln.Unknown)}
	build := func(findings []vuln.Finding) string {
		n, err := notification.New(notification.Heading{ID: "id"}, notification.VulnerabilitiesChanged{Target: nginx, Added: findings})
		if err != nil {
			t.Fatal(err)
		}
		return string(n.Payload)
	}
	want := build(list)
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		shuffled := slices.Clone(list)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(want, build(shuffled)); diff != "" {
			t.Fatalf("another order of findings (-want +got):\n%s", diff)
		}
	}
}

func TestPolicyRowsAreCounted(t *testing.T) {
	t.Parallel()
	row := func(action string) []any { return []any{"", "", "", "", "", "", action, false, ""} }
	document, err := json.Marshal(map[string]any{"result": map[string]any{
		"abc":         map[string]any{"result": map[string]any{"rows": []any{row("stop"), row("stop"), row("go"), []any{"short"}}}},
		"policy_data": []any{},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := payload(t, notification.PolicyEvaluated{Target: nginx, Before: evidence(first), After: evidence(first),
		Last:    notification.Evaluation{Status: policy.Pass, FinalAction: policy.Go, Document: json.RawMessage(`{}`)},
		Current: notification.Evaluation{Status: policy.Fail, FinalAction: policy.Stop, Document: document}}, notification.CausePolicy)
	if diff := cmp.Diff(map[string]any{"stop": 2.0, "warn": 0.0, "go": 1.0}, got["counts"]); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	previous, _ := at(map[string]any(got), "previous.status")
	if got["status"] != "fail" || previous != "pass" {
		t.Errorf("status is %v and was %v, want fail and pass", got["status"], previous)
	}
}

func TestBrokenDocumentIsAnError(t *testing.T) {
	t.Parallel()
	_, err := notification.New(notification.Heading{ID: "id-7"}, notification.PolicyEvaluated{Target: nginx,
		Last: notification.Evaluation{Document: json.RawMessage(`{`)}, Current: notification.Evaluation{Document: json.RawMessage(`{}`)}})
	if err == nil || !strings.Contains(err.Error(), "id-7") {
		t.Errorf("got %v, want an error that names the notification", err)
	}
}

func TestRepositoryPayload(t *testing.T) {
	t.Parallel()
	got := payload(t, notification.TagsFound{Repository: nginx.Reference.Repository, New: []string{"b", "a"}, Tags: 7})
	want := tree{"notificationId": "id", "userId": "admin", "subscription_key": "docker.io/library/nginx", "subscription_type": "repo_update",
		"repository": "docker.io/library/nginx", "new_tags": []any{"a", "b"}, "removed_tags": []any{},
		"counts": map[string]any{"new_tags": 2.0, "removed_tags": 0.0, "tags": 7.0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	high, low := finding("CVE-1", vuln.High), finding("CVE-2", vuln.Low)
	for _, test := range []struct {
		name    string
		content notification.Content
		want    string
	}{
		{"analysis", notification.ImageAnalyzed{Target: nginx, After: evidence(first), Packages: 1}, "docker.io/library/nginx:1.25: image 111111111111 is analyzed, 1 package"},
		{"analysis with unreadable files", notification.ImageAnalyzed{Target: nginx, After: evidence(first), Packages: 2, Unreadable: make([]sbom.Unreadable, 3)},
			"docker.io/library/nginx:1.25: image 111111111111 is analyzed, 2 packages, 3 files could not be read"},
		{"tag", notification.TagMoved{Target: nginx, Before: evidence(first), After: evidence(second)}, "docker.io/library/nginx:1.25: moved from 111111111111 to 222222222222"},
		{"tag with difference", notification.TagMoved{Target: nginx, Before: evidence(first), After: evidence(second),
			Difference: &notification.ImageDifference{PackagesAdded: []vuln.Package{{Name: "a"}, {Name: "b"}}, Fixed: []vuln.Finding{high, low}}},
			"docker.io/library/nginx:1.25: moved from 111111111111 to 222222222222; 2 packages changed, 2 vulnerabilities fixed, 0 introduced"},
		{"vulnerabilities", notification.VulnerabilitiesChanged{Target: nginx, Added: []vuln.Finding{low, high, high}, Removed: []vuln.Finding{low}},
			"docker.io/library/nginx:1.25: 3 vulnerabilities added (2 high, 1 low): CVE-1, CVE-2; 1 removed: CVE-2"},
		{"many vulnerabilities", notification.VulnerabilitiesChanged{Target: nginx, Added: []vuln.Finding{finding("CVE-5", vuln.Low), finding("CVE-4", vuln.High), low, high, finding("CVE-3", vuln.Critical)}},
			"docker.io/library/nginx:1.25: 5 vulnerabilities added (1 critical, 2 high, 2 low): CVE-3, CVE-1, CVE-4 and 2 more"},
		{"updated vulnerabilities", notification.VulnerabilitiesChanged{Target: nginx, Updated: []vuln.Update{{Previous: finding("CVE-1", vuln.Unknown), Current: high}, {Previous: low, Current: low}}},
			"docker.io/library/nginx:1.25: 2 vulnerabilities updated: CVE-1 (was unknown, is high), CVE-2"},
		{"a name that fills the line", notification.VulnerabilitiesChanged{Target: nginx, Removed: []vuln.Finding{finding(strings.Repeat("x", 5000), vuln.High)}},
			"docker.io/library/nginx:1.25: 1 vulnerability removed: " + strings.Repeat("x", 59) + "…"},
		{"policy", notification.PolicyEvaluated{Target: nginx, Last: notification.Evaluation{Status: policy.Pass, FinalAction: policy.Warn, Document: json.RawMessage(`{}`)},
			Current: notification.Evaluation{Status: policy.Fail, FinalAction: policy.Stop, Document: json.RawMessage(`{}`)}}, "docker.io/library/nginx:1.25: policy fail (stop), was pass (warn)"},
		{"policy action only", notification.PolicyEvaluated{Target: nginx, Last: notification.Evaluation{Status: policy.Pass, FinalAction: policy.Go, Document: json.RawMessage(`{}`)},
			Current: notification.Evaluation{Status: policy.Pass, FinalAction: policy.Warn, Document: json.RawMessage(`{}`)}}, "docker.io/library/nginx:1.25: policy pass: warn, was go"},
		{"repository", notification.TagsFound{Repository: nginx.Reference.Repository, New: []string{"a", "b"}, Removed: []string{"c"}}, "docker.io/library/nginx: 2 new tags: a, b; 1 removed: c"},
		{"log", notification.Logged{Message: "Vulnerability data are held", Resource: notification.Resource{ID: "feed"}}, "feed: Vulnerability data are held"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n, err := notification.New(notification.Heading{ID: "id"}, test.content)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, n.Summary); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffPackages(t *testing.T) {
	t.Parallel()
	p := func(name, version, kind string) vuln.Package {
		return vuln.Package{Name: name, Version: version, Type: kind}
	}
	for _, test := range []struct {
		name          string
		before, after []vuln.Package
		want          notification.ImageDifference
	}{
		{"equal", []vuln.Package{p("a", "1", "deb")}, []vuln.Package{p("a", "1", "deb")}, notification.ImageDifference{}},
		{"another place of the same package", []vuln.Package{p("a", "1", "npm")}, []vuln.Package{p("a", "1", "npm"), p("a", "1", "npm")}, notification.ImageDifference{}},
		{"added and removed", []vuln.Package{p("a", "1", "deb")}, []vuln.Package{p("b", "1", "deb")},
			notification.ImageDifference{PackagesAdded: []vuln.Package{p("b", "1", "deb")}, PackagesRemoved: []vuln.Package{p("a", "1", "deb")}}},
		{"another version", []vuln.Package{p("a", "1", "deb")}, []vuln.Package{p("a", "2", "deb")},
			notification.ImageDifference{PackagesChanged: []notification.PackageChange{{Before: p("a", "1", "deb"), After: p("a", "2", "deb")}}}},
		{"same name, another type", []vuln.Package{p("a", "1", "deb")}, []vuln.Package{p("a", "1", "npm")},
			notification.ImageDifference{PackagesAdded: []vuln.Package{p("a", "1", "npm")}, PackagesRemoved: []vuln.Package{p("a", "1", "deb")}}},
		{"one of two versions", []vuln.Package{p("a", "1", "npm"), p("a", "2", "npm")}, []vuln.Package{p("a", "2", "npm"), p("a", "3", "npm")},
			notification.ImageDifference{PackagesChanged: []notification.PackageChange{{Before: p("a", "1", "npm"), After: p("a", "3", "npm")}}}},
		{"ambiguous versions", []vuln.Package{p("a", "1", "npm"), p("a", "2", "npm")}, []vuln.Package{p("a", "3", "npm")},
			notification.ImageDifference{PackagesAdded: []vuln.Package{p("a", "3", "npm")}, PackagesRemoved: []vuln.Package{p("a", "1", "npm"), p("a", "2", "npm")}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, notification.DiffPackages(test.before, test.after)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
