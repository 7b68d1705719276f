package story

import (
	"context"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// chapter is one change and the notifications that must follow from it.
type chapter struct {
	title  string
	do     func(*Story, context.Context) error
	expect func(*Story) []expected
}

const (
	apiName = "shop/api"
	webName = "shop/web"
)

var chapters = []chapter{
	{"Subscribe to a tag: its image is analyzed, and nothing else is notified at first",
		func(s *Story, ctx context.Context) error {
			return s.commands(ctx, []string{"subscribe", "--wait", "--interval", "30s", s.reference(apiName + ":1.0")})
		},
		func(s *Story) []expected {
			return []expected{{kind: "analysis_update", key: s.reference(apiName + ":1.0"), cause: "image"}}
		}},
	{"The tag moves: a new image with an updated openssl",
		func(s *Story, ctx context.Context) error { return s.push(apiName+":1.0", secondImage()...) },
		func(s *Story) []expected {
			key := s.reference(apiName + ":1.0")
			return []expected{
				{kind: "tag_update", key: key, cause: "image"},
				{kind: "analysis_update", key: key, cause: "image"},
				{kind: "vuln_update", key: key, cause: "image", check: lists(0, 2, 0)},
				{kind: "policy_eval", key: key, cause: "image", check: becomes("fail", "pass")},
			}
		}},
	{"New vulnerability data: an unrated vulnerability of zlib is High now, and there is a new one",
		func(s *Story, ctx context.Context) error {
			if err := s.publish(secondData); err != nil {
				return err
			}
			return s.commands(ctx, []string{"feed", "sync"})
		},
		func(s *Story) []expected {
			key := s.reference(apiName + ":1.0")
			return []expected{
				{kind: "vuln_update", key: key, cause: "feed", check: both(lists(1, 0, 1), updatedFrom("Unknown", "High"))},
				{kind: "policy_eval", key: key, cause: "feed", check: becomes("pass", "fail")},
			}
		}},
	{"The same data again: no notification", func(s *Story, ctx context.Context) error {
		return s.commands(ctx, []string{"feed", "sync"})
	}, nothing},
	{"The policy changes: High only warns", activate(bundle{rules: warnOnly}), flips("fail", "pass", "policy")},
	{"The policy changes back", activate(strict), flips("pass", "fail", "policy")},
	{"The whitelist waives the vulnerability", activate(bundle{rules: stopHigh, waiver: whitelisted(time.Time{})}), flips("fail", "pass", "policy")},
	{"The mapping gives the repository another policy", activate(bundle{rules: stopHigh, waiver: whitelisted(time.Time{}), repository: apiName}), flips("pass", "fail", "policy")},
	{"A whitelist item that is about to expire ...", func(s *Story, ctx context.Context) error {
		return activate(bundle{rules: stopHigh, waiver: whitelisted(time.Now().Add(20 * time.Second))})(s, ctx)
	}, flips("fail", "pass", "policy")},
	{"... expires: only the time changed", func(*Story, context.Context) error { return nil }, flips("pass", "fail", "time")},
	{"Watch a repository: its tags are watched, and the first list is not notified",
		func(s *Story, ctx context.Context) error {
			return s.commands(ctx, []string{"repository", "watch", "--list-interval", "1m", s.reference(webName)})
		},
		func(s *Story) []expected {
			return []expected{{kind: "analysis_update", key: s.reference(webName + ":1.0"), cause: "image"}}
		}},
	{"The repository has a new tag, which is watched too",
		func(s *Story, ctx context.Context) error { return s.push(webName+":1.1", webImage("1.1")...) },
		func(s *Story) []expected {
			return []expected{
				{kind: "repo_update", key: s.reference(webName), cause: "image"},
				{kind: "analysis_update", key: s.reference(webName + ":1.1"), cause: "image"},
			}
		}},
}

func nothing(*Story) []expected { return nil }

// activate stores a bundle and makes it the active one.
func activate(b bundle) func(*Story, context.Context) error {
	return func(s *Story, ctx context.Context) error {
		return s.commands(ctx, []string{"policy", "add", "--activate", s.file("policy.json", b.bundle())})
	}
}

// flips expects that the status of the tag changes.
func flips(from, to, cause string) func(*Story) []expected {
	return func(s *Story) []expected {
		return []expected{{kind: "policy_eval", key: s.reference(apiName + ":1.0"), cause: cause, check: becomes(from, to)}}
	}
}

// The images: a Debian system with a node application on it.
func firstImage() []lab.Part  { return api("3.0.9-1") }
func secondImage() []lab.Part { return api("3.0.11-1~deb12u2") }

func api(version string) []lab.Part {
	packages := lab.Bookworm()
	for i := range packages {
		if packages[i].Name == "openssl" || packages[i].Name == "libssl3" {
			packages[i].Version = version
		}
	}
	return []lab.Part{lab.Debian(packages...),
		lab.Node("/srv/api", lab.NodeModule{Name: "lodash", Version: "4.17.20"}), lab.User("www-data"), lab.Expose("8080/tcp")}
}

func webImage(version string) []lab.Part {
	return []lab.Part{lab.Debian(lab.Bookworm()...), lab.Labels(map[string]string{"org.opencontainers.image.version": version}), lab.User("www-data")}
}

// The data: a vulnerability of openssl that the update fixes, and one of zlib without
// a severity yet.
var (
	openssl = []feed.Vulnerability{
		{Provider: feed.Debian, ID: "CVE-2026-1001", Package: "openssl", Fixed: "3.0.11-1~deb12u2", Severity: "High"},
	}
	firstData  = append(openssl, feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-2002", Package: "zlib", Severity: "Unknown"})
	secondData = append(openssl,
		feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-2002", Package: "zlib", Severity: "High"},
		feed.Vulnerability{Provider: feed.GitHub, ID: "GHSA-35jh-r3h4-6jhm", Package: "lodash", Ecosystem: "npm",
			Affected: "<4.17.21", Fixed: "4.17.21", Severity: "Medium", Aliases: []string{"CVE-2021-23337"}})
)

// bundle is what differs between the policy bundles of the story.
type bundle struct {
	rules      string // of the first policy
	waiver     string // items of the whitelist
	repository string // with the second policy, which has no whitelist
}

var strict = bundle{rules: stopHigh}

const (
	stopHigh = `{"id": "high", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
        {"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": "high"}]}`
	warnOnly = `{"id": "high", "gate": "vulnerabilities", "trigger": "package", "action": "WARN", "params": [
        {"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": "high"}]}`
)

// whitelisted waives the vulnerability of zlib, until a time if one is given.
func whitelisted(until time.Time) string {
	expires := ""
	if !until.IsZero() {
		expires = `, "expires_on": "` + until.UTC().Format("2006-01-02T15:04:05Z") + `"`
	}
	return `{"id": "zlib", "gate": "vulnerabilities", "trigger_id": "CVE-2026-2002+zlib1g"` + expires + `}`
}

func (b bundle) bundle() string {
	mappings := mapping("everything", "*", "first", `"accepted"`)
	if b.repository != "" {
		mappings = mapping("strictly", b.repository, "second", "") + ", " + mappings
	}
	return strings.NewReplacer("RULES", b.rules, "STOP_HIGH", stopHigh, "WAIVER", b.waiver, "MAPPINGS", mappings).Replace(`{
  "id": "story", "version": "1_0", "name": "Story",
  "policies": [
    {"id": "first", "version": "1_0", "name": "first", "rules": [RULES]},
    {"id": "second", "version": "1_0", "name": "second", "rules": [STOP_HIGH]}],
  "whitelists": [{"id": "accepted", "version": "1_0", "name": "accepted", "items": [WAIVER]}],
  "mappings": [MAPPINGS],
  "whitelisted_images": [], "blacklisted_images": []
}
`)
}

func mapping(id, repository, policy, whitelists string) string {
	return `{"id": "` + id + `", "name": "` + id + `", "registry": "*", "repository": "` + repository + `",
     "image": {"type": "tag", "value": "*"}, "policy_ids": ["` + policy + `"], "whitelist_ids": [` + whitelists + `]}`
}

// shell writes a command line so that it can be pasted.
func shell(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if strings.ContainsAny(word, " <>*") {
			quoted[i] = "'" + word + "'"
		}
	}
	return strings.Join(quoted, " ")
}
