package matcher_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/spf13/afero"
)

// data is what a vulnerability database says, in the terms of its tables.
type data struct {
	records    []record
	rows       []row
	exploited  []string
	weaknesses map[string]string // of a CVE
	scores     map[string]float64
}

// record is a vulnerability's record; provider and id name it.
type record struct {
	provider, id string
	severity     string
	aliases      []string
	rejected     bool
	description  string
	modified     int // days after the beginning
}

// row says that a package, or all of a product, is affected or not.
type row struct {
	of         int // record
	ecosystem  string
	name       string
	os         string // name of a distribution in systems; "" for languages
	product    string // instead of a package: vendor:product
	constraint string
	format     string
	fixed      string // version
	state      v6.FixStatus
	unaffected bool
	imports    []v6.GoImport
}

var systems = map[string]v6.OperatingSystem{
	"debian": {Name: "debian", ReleaseID: "debian", MajorVersion: "12", Codename: "bookworm"},
	"amazon": {Name: "amazon", ReleaseID: "amzn", MajorVersion: "2023"},
	"alpine": {Name: "alpine", ReleaseID: "alpine", MajorVersion: "3", MinorVersion: "20"},
}

var beginning = time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)

// build writes the database of grype's schema 6 and returns its directory, which is
// also the place where grype's command line finds it below root.
func (d data) build(t testing.TB) (root, dir string) {
	t.Helper()
	root = t.TempDir()
	dir = filepath.Join(root, "6")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writer, err := v6.NewWriter(v6.Config{DBDirPath: dir})
	must(t, err)
	must(t, writer.SetDBMetadata())
	d.write(t, writer)
	must(t, writer.Close())
	must(t, v6.Hydrater()(dir))
	_, err = v6.WriteImportMetadata(afero.NewOsFs(), dir, "test")
	must(t, err)
	return root, dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d data) write(t testing.TB, w v6.ReadWriter) {
	captured := beginning
	handles := make([]*v6.VulnerabilityHandle, len(d.records))
	for i, r := range d.records {
		handles[i] = r.handle(&captured)
		must(t, w.AddVulnerabilities(handles[i]))
	}
	for _, r := range d.rows {
		r.write(t, w, handles[r.of])
	}
	for _, cve := range d.exploited {
		must(t, w.AddKnownExploitedVulnerabilities(&v6.KnownExploitedVulnerabilityHandle{
			Cve: cve, BlobValue: &v6.KnownExploitedVulnerabilityBlob{Cve: cve, Product: "product"}}))
	}
	for _, cve := range sortedKeys(d.weaknesses) {
		must(t, w.AddCWE(&v6.CWEHandle{CVE: cve, CWE: d.weaknesses[cve], Source: "nvd@nist.gov", Type: "Primary"}))
	}
	for _, cve := range sortedKeys(d.scores) {
		must(t, w.AddEpss(&v6.EpssHandle{Cve: cve, Epss: d.scores[cve], Percentile: d.scores[cve], Date: beginning}))
	}
}

func (r record) handle(captured *time.Time) *v6.VulnerabilityHandle {
	status := v6.VulnerabilityActive
	if r.rejected {
		status = v6.VulnerabilityRejected
	}
	modified := beginning.AddDate(0, 0, r.modified)
	blob := &v6.VulnerabilityBlob{ID: r.id, Aliases: r.aliases, Description: r.description,
		References: []v6.Reference{{URL: "https://example.org/" + r.id}, {URL: "https://example.org/more/" + r.id}}}
	if r.severity != "" {
		blob.Severities = []v6.Severity{
			{Scheme: v6.SeveritySchemeCHMLN, Value: r.severity, Rank: 1},
			{Scheme: v6.SeveritySchemeCVSS, Value: v6.CVSSSeverity{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Version: "3.1"}, Source: "nvd@nist.gov", Rank: 2},
		}
	}
	return &v6.VulnerabilityHandle{Name: r.id, Status: status, PublishedDate: &beginning, ModifiedDate: &modified,
		ProviderID: r.provider, Provider: &v6.Provider{ID: r.provider, Version: "1", Processor: "test", DateCaptured: captured},
		BlobValue: blob}
}

func (r row) write(t testing.TB, w v6.ReadWriter, of *v6.VulnerabilityHandle) {
	blob := &v6.PackageBlob{Ranges: []v6.Range{{
		Version: v6.Version{Type: r.format, Constraint: r.constraint}, Fix: &v6.Fix{Version: r.fixed, State: r.state}}}}
	if of.ProviderID == "github" { // the others have aliases in the record only
		blob.CVEs = of.BlobValue.Aliases
	}
	if len(r.imports) > 0 {
		blob.Qualifiers = &v6.PackageQualifiers{GoImports: r.imports}
	}
	if r.product != "" {
		r.writeProduct(t, w, of, blob)
		return
	}
	var os *v6.OperatingSystem
	if r.os != "" {
		system := systems[r.os]
		os = &system
	}
	in := &v6.Package{Ecosystem: r.ecosystem, Name: r.name}
	if r.unaffected {
		must(t, w.AddUnaffectedPackages(&v6.UnaffectedPackageHandle{VulnerabilityID: of.ID, Vulnerability: of, OperatingSystem: os, Package: in, BlobValue: blob}))
		return
	}
	must(t, w.AddAffectedPackages(&v6.AffectedPackageHandle{VulnerabilityID: of.ID, Vulnerability: of, OperatingSystem: os, Package: in, BlobValue: blob}))
}

func (r row) writeProduct(t testing.TB, w v6.ReadWriter, of *v6.VulnerabilityHandle, blob *v6.PackageBlob) {
	product := &v6.Cpe{Part: "a", Vendor: r.product, Product: r.product}
	if r.unaffected {
		must(t, w.AddUnaffectedCPEs(&v6.UnaffectedCPEHandle{VulnerabilityID: of.ID, Vulnerability: of, CPE: product, BlobValue: blob}))
		return
	}
	must(t, w.AddAffectedCPEs(&v6.AffectedCPEHandle{VulnerabilityID: of.ID, Vulnerability: of, CPE: product, BlobValue: blob}))
}

// world is data about the packages of the images, of every kind that matters: by
// name, by source, by CPE, by Go symbol, suppressed by an owner, not affected.
func world() data {
	d := data{weaknesses: map[string]string{"CVE-2023-1": "CWE-79"}, exploited: []string{"CVE-2023-2"},
		scores: map[string]float64{"CVE-2023-1": 0.5}}
	add := func(r record, rows ...row) {
		d.records = append(d.records, r)
		for _, each := range rows {
			each.of = len(d.records) - 1
			d.rows = append(d.rows, each)
		}
	}
	fixedDeb := func(name, version string) row {
		return row{ecosystem: "deb", os: "debian", name: name, format: "dpkg", constraint: "< " + version, fixed: version, state: v6.FixedStatus}
	}
	ghsa := func(ecosystem, name, constraint, fixed string) row {
		return row{ecosystem: ecosystem, name: name, format: "semver", constraint: constraint, fixed: fixed, state: v6.FixedStatus}
	}
	add(record{provider: "nvd", id: "CVE-2023-1", severity: "critical", description: "one"},
		row{product: "redis", format: "semver", constraint: "< 7.0.5"})
	add(record{provider: "nvd", id: "CVE-2023-2", severity: "high"})
	add(record{provider: "nvd", id: "CVE-2023-3", severity: "low"}, row{product: "busybox", format: "semver", constraint: "< 2"})
	add(record{provider: "nvd", id: "CVE-2023-9", severity: "medium"}, row{product: "libssl3", format: "semver", constraint: "< 4"},
		row{product: "openssl", format: "semver", constraint: "< 4"})
	add(record{provider: "debian", id: "CVE-2023-1", severity: "high"}, fixedDeb("openssl", "3.0.11-1"))
	add(record{provider: "debian", id: "CVE-2023-2", severity: "medium"},
		row{ecosystem: "deb", os: "debian", name: "zlib", format: "dpkg", state: v6.WontFixStatus},
		row{ecosystem: "deb", os: "debian", name: "linux", format: "dpkg", state: v6.NotFixedStatus})
	add(record{provider: "debian", id: "CVE-2022-7"}, fixedDeb("openssl", "3.0.1-1"), fixedDeb("bash", "9"))
	add(record{provider: "debian", id: "CVE-2023-40", severity: "low"}, fixedDeb("python-django", "3:3.2.19-1+deb12u1"))
	add(record{provider: "github", id: "GHSA-dddd-jjjj-0001", severity: "high", aliases: []string{"CVE-2023-40"}}, ghsa("python", "django", "<4.1", "4.1"))
	add(record{provider: "github", id: "GHSA-dddd-jjjj-0002", severity: "high", aliases: []string{"CVE-2023-41"}}, ghsa("python", "django", "<4.2", "4.2"))
	add(record{provider: "github", id: "GHSA-llll-oooo-0001", severity: "high", aliases: []string{"CVE-2023-1"}}, ghsa("npm", "lodash", "<4.17.21", "4.17.21"))
	add(record{provider: "github", id: "GHSA-llll-oooo-0002", severity: "medium", aliases: []string{"CVE-2023-50"}}, ghsa("npm", "lodash", "<4.17.20", "4.17.20"))
	add(record{provider: "github", id: "GHSA-llll-oooo-0003", severity: "medium", rejected: true}, ghsa("npm", "lodash", "<5", "5.0.0"))
	add(record{provider: "github", id: "GHSA-nnnn-pppp-0001", severity: "medium", aliases: []string{"CVE-2023-51"}}, ghsa("npm", "npm", "<9", "9.0.0"))
	add(record{provider: "github", id: "GHSA-bbbb-aaaa-0001", severity: "critical"}, ghsa("npm", "@babel/core", "<7.23.2", "7.23.2"))
	add(record{provider: "github", id: "GHSA-jjjj-aaaa-0001", severity: "critical", aliases: []string{"CVE-2023-60"}}, ghsa("java-archive", "org.example:core", "<2", "2.0"))
	add(record{provider: "github", id: "GHSA-jjjj-aaaa-0002", severity: "critical", aliases: []string{"CVE-2023-60"}}, ghsa("java-archive", "com.example:core", "<3", "3.0"))
	add(record{provider: "other", id: "CVE-2023-60"}, row{ecosystem: "java-archive", name: "org.example:core", format: "semver", constraint: "<2", unaffected: true})
	add(record{provider: "govulndb", id: "GO-2023-1", severity: "high", aliases: []string{"CVE-2023-70"}},
		row{ecosystem: "go-module", name: "golang.org/x/net", format: "go", constraint: "<0.17.0", fixed: "0.17.0", state: v6.FixedStatus,
			imports: []v6.GoImport{{Path: "golang.org/x/net/html", Symbols: []string{"Parse"}}}})
	add(record{provider: "govulndb", id: "GO-2023-2", severity: "high"}, row{ecosystem: "go-module", name: "stdlib", format: "go", constraint: "<1.22.5", fixed: "1.22.5", state: v6.FixedStatus})
	add(record{provider: "alpine", id: "CVE-2023-80", severity: "high"}, row{ecosystem: "apk", os: "alpine", name: "openssl", format: "apk", constraint: "< 3.3.1-r0", fixed: "3.3.1-r0", state: v6.FixedStatus})
	add(record{provider: "alpine", id: "CVE-2023-9"}, row{ecosystem: "apk", os: "alpine", name: "openssl", format: "apk", constraint: "< 3.0.0-r0", fixed: "3.0.0-r0", state: v6.FixedStatus})
	add(record{provider: "alpine", id: "CVE-2023-81"}, row{ecosystem: "apk", os: "alpine", name: "py3-requests", format: "apk", constraint: "< 2.30.0-r0", fixed: "2.30.0-r0", state: v6.FixedStatus})
	add(record{provider: "github", id: "GHSA-rrrr-eeee-0001", severity: "medium", aliases: []string{"CVE-2023-81"}}, ghsa("python", "requests", "<2.32", "2.32.0"))
	add(record{provider: "amazon", id: "ALAS-2023-1", severity: "medium", aliases: []string{"CVE-2023-50", "CVE-2023-51"}},
		row{ecosystem: "rpm", os: "amazon", name: "nodejs", format: "rpm", constraint: "< 0:18.12.0-1.amzn2023", fixed: "0:18.12.0-1.amzn2023", state: v6.FixedStatus})
	add(record{provider: "amazon", id: "ALAS-2023-2", severity: "high", aliases: []string{"CVE-2023-1"}},
		row{ecosystem: "rpm", os: "amazon", name: "nodejs", format: "rpm", constraint: "< 0:18.14.0-1.amzn2023", fixed: "0:18.14.0-1.amzn2023", state: v6.FixedStatus})
	return d
}

func (d *data) recordOf(id string) *record {
	return &d.records[slices.IndexFunc(d.records, func(r record) bool { return r.id == id })]
}

func (d *data) rowOf(name string) *row {
	return &d.rows[slices.IndexFunc(d.rows, func(r row) bool { return r.name == name || r.product == name })]
}
