package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// TestEqualsGrype: the stored list of an image is, finding by finding, what the
// grype command line finds in the same image with the same data.
func TestEqualsGrype(t *testing.T) {
	t.Parallel()
	i := install(t)
	made(i.feed.PublishBuild(t.TempDir(), grypeData...))(t)
	i.do("feed", "sync")
	grype := buildGrype(t)
	database := currentDatabase(t, i)
	for name, parts := range grypeImages {
		reference := i.push("kinds/"+name+":1", parts...)
		i.do("subscribe", "--wait", reference)
		ours, theirs := ownList(t, i, reference), grypeList(t, grype, database, reference)
		if (len(theirs) == 0) != (name == "static") {
			t.Errorf("%s: grype has %d findings, which proves nothing", name, len(theirs))
		}
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("%s: the list differs from grype's (-grype +ours)\n%s", name, diff)
		}
	}
}

// grypeImages are the kinds of packages, alone where an image can hold them
// alone, and the forms of images: manifests, compressions, and layers that
// delete and replace what is below. The static one has nothing to be found.
var grypeImages = map[string][]lab.Part{
	"debian":  {lab.Debian(lab.Bookworm()...)},
	"alpine":  {lab.Alpine(lab.Apk{Name: "musl", Version: "1.2.5-r0"}, lab.Apk{Name: "libcrypto3", Version: "3.3.0-r2", Origin: "openssl"})},
	"node":    {lab.Debian(lab.Bookworm()...), lab.Node("/srv/app", lodash, lab.NodeModule{Name: "minimist", Version: "1.2.5"})},
	"java":    {lab.Java("/srv", log4j)},
	"python":  {lab.Python(django)},
	"ruby":    {lab.Ruby(lab.Gem{Name: "rack", Version: "2.2.0"}, lab.Gem{Name: "rake", Version: "13.0.6"})},
	"go":      {lab.Debian(lab.Bookworm()...), lab.GoBinary("/usr/bin/app", gin)},
	"scratch": {lab.GoBinary("/app", gin), lab.Entrypoint("/app")},
	"dotnet":  {lab.StaticBinary("/bin/other"), lab.DotnetBundle("/app", lab.NuGetPackage{Name: "Newtonsoft.Json", Version: "12.0.3"})},
	"static":  {lab.StaticBinary("/app")},
	"docker":  {lab.Docker, lab.Debian(lab.Bookworm()...), lab.Python(django), lab.Java("/srv", log4j)},
	"zstd":    {lab.Zstd, lab.Debian(lab.Bookworm()...), lab.Node("/srv/app", lodash)},
	"whiteouts": {
		lab.Debian(lab.Bookworm()...), lab.Node("/srv/app", lodash), lab.Python(django), lab.Java("/srv/lib", log4j),
		lab.Remove("/srv/app/node_modules/lodash"),
		lab.Run("rm -r /srv/lib/*", lab.OpaqueWhiteout("/srv/lib"), lab.Text("/srv/lib/kept", "the folder itself")),
		lab.Debian(lab.Deb{Name: "libssl3", Version: "3.0.9-1", Source: "openssl"}),
	},
	"replaced": {
		lab.Zstd, lab.Node("/srv/app", lodash), lab.Remove("/srv/app"),
		lab.Node("/srv/app", lab.NodeModule{Name: "minimist", Version: "1.2.5"}),
	},
}

var (
	lodash = lab.NodeModule{Name: "lodash", Version: "4.17.20"}
	gin    = lab.GoModule{Path: "github.com/gin-gonic/gin", Version: "v1.8.0"}
	django = lab.PythonPackage{Name: "Django", Version: "3.2.0"}
	log4j  = lab.Jar{Group: "org.apache.logging.log4j", Artifact: "log4j-core", Version: "2.14.1"}
)

var grypeData = []feed.Vulnerability{
	{Provider: feed.NVD, ID: "CVE-2026-1001", Severity: "Critical", Description: "A flaw of openssl."},
	{Provider: feed.Debian, ID: "CVE-2026-1001", Package: "openssl", Fixed: "3.0.11-1", Severity: "High"},
	{Provider: feed.Debian, ID: "CVE-2026-1002", Package: "zlib", Severity: "Low", FixState: feed.WontFix},
	{Provider: feed.Debian, ID: "CVE-2026-1003", Package: "glibc", Fixed: "2.36-9+deb12u3", Severity: "Medium", KnownExploited: true},
	{Provider: feed.Alpine, ID: "CVE-2026-1001", Package: "openssl", Fixed: "3.3.1-r0", Severity: "High"},
	{Provider: feed.GitHub, ID: "GHSA-35jh-r3h4-6jhm", Package: "lodash", Ecosystem: "npm", Affected: "<4.17.21", Fixed: "4.17.21", Severity: "High", Aliases: []string{"CVE-2021-23337"}},
	{Provider: feed.GitHub, ID: "GHSA-xvch-5gv4-984h", Package: "minimist", Ecosystem: "npm", Affected: "<1.2.6", Fixed: "1.2.6", Severity: "Critical", Aliases: []string{"CVE-2021-44906"}},
	{Provider: feed.GitHub, ID: "GHSA-3vp4-m3rf-835h", Package: "github.com/gin-gonic/gin", Ecosystem: "go", Affected: "<1.9.0", Fixed: "1.9.0", Severity: "Medium", Aliases: []string{"CVE-2023-26125"}},
	{Provider: feed.GitHub, ID: "GHSA-jfh8-c2jp-5v3q", Package: "org.apache.logging.log4j:log4j-core", Ecosystem: "java", Affected: ">=2.13.0,<2.15.0", Fixed: "2.15.0", Severity: "Critical", Aliases: []string{"CVE-2021-44228"}},
	{Provider: feed.GitHub, ID: "GHSA-hxqx-xwvh-44m2", Package: "rack", Ecosystem: "gem", Affected: "<2.2.3.1", Fixed: "2.2.3.1", Severity: "High", Aliases: []string{"CVE-2022-30123"}},
	{Provider: feed.GitHub, ID: "GHSA-5crp-9r3c-p9vr", Package: "Newtonsoft.Json", Ecosystem: "nuget", Affected: "<13.0.1", Fixed: "13.0.1", Severity: "High"},
	{Provider: feed.GitHub, ID: "GHSA-qm57-vhq3-3fwf", Package: "django", Ecosystem: "python", Affected: ">=3.2,<3.2.1", Fixed: "3.2.1", Severity: "High", Aliases: []string{"CVE-2021-31542"}},
}

// finding is what both lists say of one finding, in one line.
func finding(id, namespace, name, version, kind, severity, state string, fixes []string) string {
	slices.Sort(fixes)
	return strings.Join([]string{id, namespace, name, version, kind, severity, state, strings.Join(fixes, ",")}, " ")
}

func ownList(t *testing.T, i *installation, reference string) []string {
	t.Helper()
	var found struct {
		Vulnerabilities []struct {
			ID, Namespace, Package, Version, Type, Severity string
			State                                           string   `json:"fix_state"`
			Fixes                                           []string `json:"fixed_in"`
		}
	}
	must(t, json.Unmarshal([]byte(i.do("vulnerabilities", reference, "-o", "json")), &found))
	var list []string
	for _, f := range found.Vulnerabilities {
		list = append(list, finding(f.ID, f.Namespace, f.Package, f.Version, f.Type, f.Severity, f.State, f.Fixes))
	}
	slices.Sort(list)
	return list
}

func grypeList(t *testing.T, grype, database, reference string) []string {
	t.Helper()
	command := exec.Command(grype, "registry:"+reference, "--output", "json")
	command.Env = append(os.Environ(), "HOME="+t.TempDir(), "GRYPE_DB_CACHE_DIR="+database, "GRYPE_DB_AUTO_UPDATE=false",
		"GRYPE_DB_VALIDATE_AGE=false", "GRYPE_CHECK_FOR_APP_UPDATE=false", "GRYPE_REGISTRY_INSECURE_USE_HTTP=true")
	output, err := command.Output()
	if err != nil {
		t.Fatalf("grype %s: %v: %s", reference, err, command.Stderr)
	}
	var document struct {
		Matches []struct {
			Vulnerability struct {
				ID, Namespace, Severity string
				Fix                     struct {
					State    string
					Versions []string
				}
			}
			Artifact struct{ Name, Version, Type string }
		}
	}
	must(t, json.Unmarshal(output, &document))
	var list []string
	for _, m := range document.Matches {
		v := m.Vulnerability
		list = append(list, finding(v.ID, v.Namespace, m.Artifact.Name, m.Artifact.Version, m.Artifact.Type, v.Severity, v.Fix.State, v.Fix.Versions))
	}
	slices.Sort(list)
	return list
}

// buildGrype builds grype's command line from the same versions of its modules.
func buildGrype(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "grype")
	build := exec.Command("go", "build", "-o", path, "github.com/anchore/grype/cmd/grype")
	build.Dir = ".."
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build grype: %v: %s", err, output)
	}
	return path
}

// currentDatabase is the directory of the data that the findings are of.
func currentDatabase(t *testing.T, i *installation) string {
	t.Helper()
	var status struct{ Current struct{ Checksum string } }
	must(t, json.Unmarshal([]byte(i.do("feed", "status", "-o", "json")), &status))
	database := filepath.Join(i.DataDir(), "feed", strings.TrimPrefix(status.Current.Checksum, "sha256:"))
	if _, err := os.Stat(database); err != nil {
		t.Fatal(fmt.Errorf("the data of build %s: %w", status.Current.Checksum, err))
	}
	return database
}
