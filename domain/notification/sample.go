package notification

import (
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Sample is a notification with made-up content, to test an endpoint. It is built like
// a real one, so that a receiver that accepts it accepts those.
func Sample(t Type, id, account string, at time.Time) (Notification, error) {
	content, found := sampleContents(at)[t]
	if !found {
		return Notification{}, fmt.Errorf("notification type %q has no sample: %w", t, errkind.Invalid)
	}
	heading := Heading{ID: id, Account: account, Causes: []Cause{CauseImage}, Created: at}
	if t == EventLog { // events of Tagwatch itself have no cause
		heading.Causes = nil
	}
	return New(heading, content)
}

func sampleContents(at time.Time) map[Type]Content {
	repository := image.Repository{Registry: "registry.example.com", Path: "tagwatch/sample"}
	target := image.Target{Reference: repository.Reference("test")}
	before, after := sampleEvidence("a", "b"), sampleEvidence("c", "d")
	fixed, introduced := sampleFinding("CVE-2000-0001", vuln.Medium), sampleFinding("CVE-2000-0002", vuln.High)
	raised := fixed
	raised.Severity, raised.KnownExploited = vuln.Critical, true
	return map[Type]Content{
		AnalysisUpdate: ImageAnalyzed{Target: target, Before: before, After: after, Packages: 2},
		TagUpdate: TagMoved{Target: target, Before: before, After: after, Difference: &ImageDifference{
			PackagesChanged: []PackageChange{{Before: fixed.Package, After: introduced.Package}},
			Fixed:           []vuln.Finding{fixed},
			Introduced:      []vuln.Finding{introduced},
		}},
		VulnUpdate: VulnerabilitiesChanged{Target: target, Before: before, After: after,
			Added:   []vuln.Finding{introduced},
			Removed: []vuln.Finding{sampleFinding("CVE-2000-0003", vuln.Low)},
			Updated: []vuln.Update{{Previous: fixed, Current: raised}},
		},
		PolicyEval: PolicyEvaluated{Target: target, Before: before, After: after,
			Last:    sampleEvaluation(target, before.Image.Manifest, policy.Pass, policy.Warn, at),
			Current: sampleEvaluation(target, after.Image.Manifest, policy.Fail, policy.Stop, at),
		},
		RuntimeUpdate: RuntimeChanged{Target: target, Update: workload.Update{Key: workload.Key{Source: "sample", Kind: "deployment", Namespace: "sample", Name: "sample"},
			Target: target, Before: []image.Digest{before.Image.Manifest}, After: after.Image.Manifest, Age: workload.Current}},
		RepoUpdate: TagsFound{Repository: repository, New: []string{"test"}, Tags: 1},
		EventLog: Logged{Event: "system.test.endpoint", Level: LevelInfo, Message: "This is a test", At: at,
			Resource: Resource{Account: "sample", ID: "sample", Kind: "endpoint"}, Service: "tagwatch"},
	}
}

func sampleEvidence(manifest, index string) Evidence {
	digest := func(digit string) image.Digest { return image.Digest("sha256:" + strings.Repeat(digit, 64)) }
	return Evidence{
		Image:    image.Resolved{Manifest: digest(manifest), Index: digest(index)},
		Build:    string(digest("e")),
		Matcher:  "sample",
		Bundle:   strings.Repeat("f", 64),
		Analyzer: "sample",
	}
}

func sampleFinding(id string, severity vuln.Severity) vuln.Finding {
	return vuln.Finding{
		ID:        id,
		Namespace: "debian:distro:debian:12",
		Package:   vuln.Package{Name: "sample", Version: "1.0-" + id[len(id)-1:], Type: "deb", PURL: "pkg:deb/debian/sample@1.0"},
		Severity:  severity,
		Fix:       vuln.Fix{State: vuln.FixKnown, Versions: []string{"1.1", "2.0"}},
		URL:       "https://security-tracker.debian.org/tracker/" + id,
	}
}

func sampleEvaluation(target image.Target, digest image.Digest, status policy.Status, action policy.Action, at time.Time) Evaluation {
	bundle, _ := policy.Parse([]byte(`{"id": "sample", "version": "1_0"}`)) // incomplete, and never evaluated
	document, err := policy.Document(policy.Evaluation{
		Reference: target.Reference, Digest: digest, ImageID: strings.Repeat("0", 64), EvaluatedAt: at,
		Status: status, FinalAction: action, PolicyAction: action, Reason: policy.PolicyEvaluation,
		Rows: []policy.Row{{TriggerID: "sample", Gate: "always", Trigger: "always", Message: "This is a test", Action: action, PolicyID: "sample"}},
	}, bundle, "sample")
	if err != nil {
		panic("a sample of texts and numbers is JSON: " + err.Error())
	}
	return Evaluation{Status: status, FinalAction: action, Document: document}
}
