package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// FuzzParse reads any document and evaluates what comes of it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(customary))
	f.Add(defaultBundle)
	f.Add([]byte(parts{}.document()))
	f.Add([]byte(`{"id":"\ud800","policies":[[]],"mappings":{},"version":1e999}`))
	for _, v := range violations {
		f.Add([]byte(v.document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		b, problems := Parse(document)
		echo, err := json.Marshal(b)
		if err != nil {
			t.Fatalf("echo: %v", err)
		}
		if again, _ := Parse(echo); b.Hash() != "" && again.Hash() != b.Hash() {
			t.Errorf("the echo has another hash")
		}
		e := evaluate(t, b, nginx(), noon)
		checkEvaluation(t, e)
		if b.ID == "" && e.FinalAction != Stop {
			t.Errorf("a bundle without id does not stop; problems %v", problems)
		}
		if _, err := Document(e, b, "admin"); err != nil {
			t.Error(err)
		}
	})
}

// checkEvaluation tests what holds for every evaluation.
func checkEvaluation(t *testing.T, e Evaluation) {
	t.Helper()
	if (e.FinalAction == Stop) != (e.Status == Fail) {
		t.Errorf("final action %s, status %s", e.FinalAction, e.Status)
	}
	if !Valid(e.Problems) && e.FinalAction != Stop {
		t.Errorf("final action %s in spite of %v", e.FinalAction, e.Problems)
	}
	if !e.Next.IsZero() && !e.Next.After(noon) {
		t.Errorf("the next change, at %s, has passed", e.Next)
	}
	for _, p := range e.Problems {
		if strings.Contains(p.Details, "internal error") {
			t.Errorf("a trigger panicked: %v", p)
		}
	}
}

// FuzzEvaluate runs every trigger with any values on any image.
func FuzzEvaluate(f *testing.F) {
	f.Add(uint8(0), "22,80", "blacklist", "FROM a\nEXPOSE 22/tcp\nUSER root:root", "/usr/bin/su", "root:x:0:0:root:/root:/bin/bash\n\nx", "1.0-r1", "*+*")
	f.Add(uint8(8), "like", "(?=a)a", "RUN a \\\n && b", "/etc/passwd", "a::", "", "regexp:.*")
	f.Add(uint8(12), "exists", "size", "ENV", "", ":", "2:1.0~rc1-1", "CVE-1+*")
	f.Add(uint8(38), "all", "7.5", "FROM scratch", "/a.war:b.jar", "::::::", "v1", "*openssl")
	f.Fuzz(func(t *testing.T, choice uint8, first, second, dockerfile, path, content, version, pattern string) {
		b := anyBundle(choice, []string{first, second, path, version}, pattern)
		checkEvaluation(t, evaluate(t, b, anyInput(dockerfile, path, content, version), noon))
	})
}

// anyBundle has one rule for the chosen trigger, with the values in turn.
func anyBundle(choice uint8, values []string, pattern string) *Bundle {
	gate, trigger := anyTrigger(int(choice))
	var params []dict
	for i, p := range trigger.Parameters {
		value := values[i%len(values)]
		if p.Type.check(value, p.Values) != nil {
			value = p.Example
		}
		params = append(params, dict{"name": p.Name, "value": value})
	}
	rule := dict{"id": "r", "gate": gate, "trigger": trigger.Name, "action": "STOP", "params": params}
	item := dict{"gate": gate, "trigger_id": pattern}
	document, _ := json.Marshal(dict{
		"id": "b", "version": VersionEngine,
		"policies":   []dict{{"id": "p", "version": VersionEngine, "rules": []dict{rule}}},
		"whitelists": []dict{{"id": "w", "version": VersionEngine, "items": []dict{item}}},
		"mappings":   []dict{{"registry": "*", "repository": "*", "image": dict{"type": "tag", "value": "*"}, "policy_ids": []string{"p"}, "whitelist_ids": []string{"w"}}},
	})
	b, _ := Parse(document)
	return b
}

// anyTrigger is one of all triggers.
func anyTrigger(choice int) (gate string, trigger *Trigger) {
	var all []*Trigger
	var names []string
	for i := range gates {
		for j := range gates[i].Triggers {
			all, names = append(all, &gates[i].Triggers[j]), append(names, gates[i].Name)
		}
	}
	return names[choice%len(all)], all[choice%len(all)]
}

// anyInput is an image with something for each gate.
func anyInput(dockerfile, path, content, version string) *Input {
	s := input()
	s.Inventory.Dockerfile = sbom.Dockerfile{Text: dockerfile, Actual: len(dockerfile)%2 == 0}
	s.Inventory.Distro = sbom.Distro{ID: content, VersionID: version, Like: []string{path}}
	s.Inventory.Files = []sbom.File{{Path: path, Mode: sbom.ModeRegular | sbom.ModeSetUID | 0o755, Size: 1}, {Path: "/etc", Mode: sbom.ModeDirectory | 0o755}}
	s.Inventory.Retrieved = map[string][]byte{"/etc/passwd": []byte(content), path: []byte(content)}
	hit := sbom.Hit{Path: path, Expression: content, Lines: []int{0}}
	s.Inventory.ContentHits, s.Inventory.SecretHits = []sbom.Hit{hit}, []sbom.Hit{hit}
	s.Inventory.Malware = []sbom.MalwareScan{{Scanner: path, Findings: []sbom.MalwareFinding{{Path: path, Signature: content}}}}
	for _, kind := range []string{"deb", "apk", "rpm", "npm", "gem", "java-archive", "python", "go-module"} {
		p := sbom.Package{ID: kind, Name: path, Version: version, Type: kind, Licenses: []string{content}, Location: path}
		p.Manifest = []sbom.ManifestEntry{{Path: path, Algorithm: "md5", Digest: content, Mode: version, Size: 2}}
		s.Inventory.Packages = append(s.Inventory.Packages, p)
		s.Matches = append(s.Matches, vuln.Match{
			Artifact: kind, Location: path, Detected: noon,
			Finding: vuln.Finding{ID: content, Namespace: version, Severity: vuln.High, Package: vuln.Package{Name: path, Version: version, Type: kind}},
		})
	}
	s.Feed.Coverage = vuln.Coverage{State: vuln.CoverageState(content), Distribution: content + " " + version}
	return s
}
