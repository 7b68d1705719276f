package policy

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares the text with the file, or rewrites the file.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", path, diff)
	}
}

func indented(t *testing.T, document any) []byte {
	t.Helper()
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// nginx is an image with two vulnerabilities.
func nginx() *Input {
	find := func(id, name, kind, location string, severity vuln.Severity, fixes ...string) vuln.Match {
		f := vuln.Finding{ID: id, Namespace: "debian:distro:debian:12", Severity: severity, URL: "https://example.org/" + id}
		f.Package = vuln.Package{Name: name, Version: "1", Type: kind}
		if f.Fix.State = vuln.FixNone; len(fixes) > 0 {
			f.Fix = vuln.Fix{State: vuln.FixKnown, Versions: fixes}
		}
		return vuln.Match{Finding: f, Location: location, Detected: noon.Add(-time.Hour)}
	}
	reference := image.Repository{Registry: "docker.io", Path: "library/nginx"}.Reference("1.25")
	return &Input{
		Reference: reference, Matched: true,
		Inventory: &sbom.Inventory{Digest: image.Digest("sha256:" + strings.Repeat("d", 64)), ImageID: strings.Repeat("1", 64)},
		Matches: []vuln.Match{
			find("CVE-2023-0001", "openssl", "deb", "", vuln.High, "3.0.9-1"),
			find("CVE-2023-0002", "zlib1g", "deb", "", vuln.High),
		},
	}
}

// TestDocument compares the whole document with Anchore's form of it.
func TestDocument(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		bundle parts
	}{
		{"mapped", parts{
			policies:   policyOf("p1", ruleOf("r1", "vulnerabilities", "package", "STOP", "package_type", "all", "severity", "medium")),
			whitelists: whitelistOf("w1", `{"gate": "vulnerabilities", "trigger_id": "CVE-2023-0002+*"}`),
			mappings:   mappingOf("*", "*", "tag", "*", `"p1"`, `"w1"`),
		}},
		{"unmapped", parts{mappings: mappingOf("gcr.io", "*", "tag", "*", `"p"`, ""), whitelisted: imageOf("*", "library/*", "tag", "1.*")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := parse(t, tt.bundle.document())
			text, err := Document(evaluate(t, b, nginx(), noon), b, "admin")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/result_"+tt.name+".json", indented(t, json.RawMessage(text)))
		})
	}
}

// TestStoredEvaluation: an evaluation that was stored gives the same document.
func TestStoredEvaluation(t *testing.T) {
	t.Parallel()
	b := Default()
	fresh := evaluate(t, b, nginx(), noon)
	text, err := json.Marshal(fresh)
	if err != nil {
		t.Fatal(err)
	}
	var stored Evaluation
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	want, _ := Document(fresh, b, "admin")
	if got, _ := Document(stored, b, "admin"); string(got) != string(want) {
		t.Errorf("document (-fresh +stored)\n%s", cmp.Diff(string(want), string(got)))
	}
}
