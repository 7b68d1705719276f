package matcher_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// grypeCommand is grype's command line, built from the same modules as the
// library.
var grypeCommand = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "tagwatch-test", "grype")
	build := exec.Command("go", "build", "-o", path, "github.com/anchore/grype/cmd/grype")
	build.Stderr = os.Stderr
	return path, build.Run()
})

// flat is a finding as both the command and we can tell it.
type flat struct {
	ID, Namespace, Artifact, Severity, Fix, URL, Description string
	Versions, Related, Hows, CWEs                            []string
	KnownExploited                                           bool
	CVSS                                                     int
}

// command runs grype on an SBOM.
func command(t *testing.T, root string, document []byte) []flat {
	t.Helper()
	grype, err := grypeCommand()
	must(t, err)
	file := filepath.Join(t.TempDir(), "sbom.json")
	must(t, os.WriteFile(file, document, 0o600))
	run := exec.Command(grype, "sbom:"+file, "--output", "json")
	run.Env = append(os.Environ(), "GRYPE_DB_CACHE_DIR="+root, "GRYPE_DB_AUTO_UPDATE=false",
		"GRYPE_DB_VALIDATE_AGE=false", "GRYPE_CHECK_FOR_APP_UPDATE=false")
	var out, problems bytes.Buffer
	run.Stdout, run.Stderr = &out, &problems
	if err := run.Run(); err != nil {
		t.Fatalf("grype: %v\n%s", err, problems.String())
	}
	return parse(t, out.Bytes())
}

func parse(t *testing.T, output []byte) []flat {
	t.Helper()
	type named struct{ ID, Namespace, CWE string }
	var report struct {
		Matches []struct {
			Vulnerability struct {
				ID, Namespace, Severity, DataSource, Description string
				Fix                                              struct {
					State    string
					Versions []string
				}
				KnownExploited, CWEs, CVSS []named
			}
			RelatedVulnerabilities []named
			MatchDetails           []struct{ Type string }
			Artifact               struct{ ID string }
		}
	}
	must(t, json.Unmarshal(output, &report))
	var list []flat
	for _, m := range report.Matches {
		v := m.Vulnerability
		f := flat{ID: v.ID, Namespace: v.Namespace, Artifact: m.Artifact.ID, Severity: v.Severity, URL: v.DataSource,
			Description: v.Description, Fix: v.Fix.State, Versions: v.Fix.Versions, KnownExploited: len(v.KnownExploited) > 0, CVSS: len(v.CVSS)}
		if f.Fix == "" {
			f.Fix = string(vuln.FixUnknown)
		}
		for _, r := range m.RelatedVulnerabilities {
			f.Related = append(f.Related, r.ID+" "+r.Namespace)
		}
		for _, d := range m.MatchDetails {
			f.Hows = append(f.Hows, d.Type)
		}
		for _, c := range v.CWEs {
			f.CWEs = append(f.CWEs, c.CWE)
		}
		list = append(list, f)
	}
	return sortFlat(list)
}

// library matches an SBOM with our own code.
func library(t *testing.T, db *matcher.Database, document []byte) []flat {
	t.Helper()
	groups, _, err := matcher.Groups(document)
	must(t, err)
	found, err := db.Match(t.Context(), groups)
	must(t, err)
	return flatten(groups, found)
}

// flatten puts findings back to the image's packages.
func flatten(groups []vuln.Group, found [][]vuln.GroupFinding) []flat {
	var list []flat
	for i, group := range groups {
		for _, finding := range found[i] {
			for _, artifact := range group.Artifacts[finding.Member] {
				f := flat{ID: finding.ID, Namespace: finding.Namespace, Artifact: artifact, Severity: string(finding.Severity),
					URL: finding.URL, Description: finding.Description, Fix: string(finding.Fix.State), Versions: finding.Fix.Versions,
					Hows: finding.Hows, CWEs: finding.CWEs, KnownExploited: finding.KnownExploited, CVSS: len(finding.CVSS)}
				for _, r := range finding.Related {
					f.Related = append(f.Related, r.ID+" "+r.Namespace)
				}
				list = append(list, f)
			}
		}
	}
	return sortFlat(list)
}

func sortFlat(list []flat) []flat {
	for i := range list {
		for _, texts := range []*[]string{&list[i].Versions, &list[i].Related, &list[i].Hows, &list[i].CWEs} {
			*texts = slices.Compact(slices.Sorted(slices.Values(*texts)))
		}
	}
	slices.SortFunc(list, func(a, b flat) int {
		return bytes.Compare([]byte(a.Artifact+" "+a.ID+" "+a.Namespace), []byte(b.Artifact+" "+b.ID+" "+b.Namespace))
	})
	return list
}

func open(t *testing.T, dir string) *matcher.Database {
	t.Helper()
	db, err := matcher.Open(dir)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func TestLibraryEqualsCommand(t *testing.T) {
	t.Parallel()
	root, dir := world().build(t)
	db := open(t, dir)
	for name, document := range images(t) {
		t.Run(name, func(t *testing.T) {
			want := command(t, root, document)
			if len(want) < 3 {
				t.Fatalf("the command finds only %d vulnerabilities: the test says nothing", len(want))
			}
			if diff := cmp.Diff(want, library(t, db, document)); diff != "" {
				t.Errorf("command and library differ (-command +library):\n%s", diff)
			}
		})
	}
}
