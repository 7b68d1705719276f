package policy

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

var packaged = withPackages(
	sbom.Package{Name: "libc6", Version: "2.36-9+deb12u4", Type: "deb", PURL: "?arch=amd64"},
	sbom.Package{Name: "libc6", Version: "2.36-9+deb12u4", Type: "deb", PURL: "?arch=i386"},
	sbom.Package{Name: "musl", Version: "1.2.4-r2", Type: "apk"},
	sbom.Package{Name: "kernel", Version: "5.14.0-70.el9", Type: "rpm"},
	sbom.Package{Name: "kernel", Version: "5.14.0-284.el9", Type: "rpm"},
	sbom.Package{Name: "lodash", Version: "4.17.21", Type: "npm"},
	sbom.Package{Name: "yaml", Version: "6.0", Type: "python", Owned: true},
	sbom.Package{Name: "serde", Version: "1", Type: "rust-crate"},
)

func TestRequiredPackage(t *testing.T) {
	t.Parallel()
	rule := func(name string, more ...string) []string { return join([]string{"name", name}, more) }
	exact := func(version string) []string { return []string{"version", version, "version_match_type", "exact"} }
	minimum := func(version string) []string { return []string{"version", version, "version_match_type", "minimum"} }
	testTrigger(t, "packages", "required_package", []gateTest{
		{"present", rule("libc6"), packaged, nil},
		{"absent", rule("curl"), packaged, []string{"Required input package (curl) is not present in container image"}},
		{"absent with version", rule("curl", "version", "8"), packaged, []string{"Required input package (curl,8) is not present in container image"}},
		{"empty version", rule("libc6", "version", ""), packaged, []string{"Required input package (libc6) is present (2.36-9+deb12u4), but not at the version specified in policy (libc6)"}},
		{"minimum without an epoch", rule("openssl", "version", "3.0.0", "version_match_type", "minimum"),
			withPackages(sbom.Package{Name: "openssl", Version: "1:1.1.1k-9.el8", Type: "rpm"}),
			[]string{"Required min-version input package (openssl) is present (1:1.1.1k-9.el8), but is lower version than what is specified in policy (3.0.0)"}},
		{"minimum of another epoch", rule("openssl", "version", "0:3.0.0", "version_match_type", "minimum"),
			withPackages(sbom.Package{Name: "openssl", Version: "1:1.1.1k-9.el8", Type: "rpm"}), nil},
		{"deb minimum without an epoch", rule("vim", "version", "8.0", "version_match_type", "minimum"),
			withPackages(sbom.Package{Name: "vim", Version: "2:7.4.052-1", Type: "deb"}),
			[]string{"Required min-version input package (vim) is present (2:7.4.052-1), but is lower version than what is specified in policy (8.0)"}},
		{"empty minimum", rule("libc6", "version", "", "version_match_type", "minimum"), packaged, nil},
		{"absent with empty version", rule("curl", "version", ""), packaged, []string{"Required input package (curl) is not present in container image"}},
		{"exact by default", rule("libc6", "version", "2.36"), packaged, []string{"Required input package (libc6) is present (2.36-9+deb12u4), but not at the version specified in policy (libc6)"}},
		{"exact", rule("libc6", exact("2.36-9+deb12u4")...), packaged, nil},
		{"exact without release", rule("musl", exact("1.2.4")...), packaged, nil},
		{"exact with release", rule("musl", exact("1.2.4-r2")...), packaged, nil},
		{"exact with another release", rule("musl", exact("1.2.4-r3")...), packaged, []string{"Required input package (musl) is present (1.2.4-r2), but not at the version specified in policy (musl)"}},
		{"exact, each installation", rule("kernel", exact("5.14.0-284.el9")...), packaged,
			[]string{"Required input package (kernel) is present (5.14.0-70.el9), but not at the version specified in policy (kernel)"}},
		{"minimum", rule("libc6", minimum("2.36-9")...), packaged, nil},
		{"minimum, lower", rule("libc6", minimum("2.37")...), packaged,
			[]string{"Required min-version input package (libc6) is present (2.36-9+deb12u4), but is lower version than what is specified in policy (2.37)"}},
		{"minimum without release", rule("kernel", minimum("5.14.0")...), packaged, nil},
		{"minimum, each installation", rule("kernel", minimum("5.14.0-100.el9")...), packaged,
			[]string{"Required min-version input package (kernel) is present (5.14.0-70.el9), but is lower version than what is specified in policy (5.14.0-100.el9)"}},
		{"minimum of apk", rule("musl", minimum("1.2.4-r3")...), packaged,
			[]string{"Required min-version input package (musl) is present (1.2.4-r2), but is lower version than what is specified in policy (1.2.4-r3)"}},
		{"minimum of a language package", rule("lodash", minimum("4.0.0")...), packaged,
			[]string{"Required min-version input package (lodash) is present (4.17.21), but is lower version than what is specified in policy (4.0.0)"}},
		{"minimum of a language package, equal", rule("lodash", minimum("4.17.21")...), packaged, nil},
		{"minimum that is no version", rule("libc6", minimum("latest")...), packaged,
			[]string{"Required min-version input package (libc6) is present (2.36-9+deb12u4), but is lower version than what is specified in policy (latest)"}},
		{"owned by the distribution", rule("yaml"), packaged, []string{"Required input package (yaml) is not present in container image"}},
	})
}

func TestBlacklistedPackage(t *testing.T) {
	t.Parallel()
	rule := func(name string, more ...string) []string { return join([]string{"name", name}, more) }
	testTrigger(t, "packages", "blacklist", []gateTest{
		{"once for all architectures", rule("libc6"), packaged, []string{"Package is blacklisted: libc6"}},
		{"each version", rule("kernel"), packaged, []string{"Package is blacklisted: kernel", "Package is blacklisted: kernel"}},
		{"version", rule("lodash", "version", "4.17.21"), packaged, []string{"Package is blacklisted: lodash-4.17.21"}},
		{"version without release", rule("kernel", "version", "5.14.0"), packaged, []string{"Package is blacklisted: kernel-5.14.0", "Package is blacklisted: kernel-5.14.0"}},
		{"version with release", rule("kernel", "version", "5.14.0-70.el9"), packaged, []string{"Package is blacklisted: kernel-5.14.0-70.el9"}},
		{"dpkg has no release apart", rule("libc6", "version", "2.36"), packaged, nil},
		{"absent", rule("curl"), packaged, nil},
		{"of a type that policies do not know", rule("serde"), packaged, nil},
	})
}

func TestVerifyPackages(t *testing.T) {
	t.Parallel()
	image := withImage(sbom.Inventory{
		Files: []sbom.File{
			{Path: "/bin", Mode: sbom.ModeSymlink | 0o777, Link: "usr/bin"},
			{Path: "/etc/changed.conf", Mode: sbom.ModeRegular | 0o644, MD5: "b"},
			{Path: "/lib", Mode: sbom.ModeSymlink | 0o777, Link: "/bin"},
			{Path: "/loop", Mode: sbom.ModeSymlink | 0o777, Link: "loop"},
			{Path: "/opt/content", Mode: sbom.ModeRegular | 0o644, MD5: "b", SHA256: "c"},
			{Path: "/opt/directory", Mode: sbom.ModeDirectory | 0o755, Size: 6},
			{Path: "/opt/link", Mode: sbom.ModeSymlink | 0o777, Link: "same"},
			{Path: "/opt/mode", Mode: sbom.ModeRegular | 0o666},
			{Path: "/opt/same", Mode: sbom.ModeRegular | 0o644, SHA1: "a", Size: 3},
			{Path: "/opt/size", Mode: sbom.ModeRegular | 0o644, Size: 4},
			{Path: "/usr/bin/sh", Mode: sbom.ModeRegular | 0o755, MD5: "a"},
		},
		Packages: []sbom.Package{
			{Name: "p", Type: "deb", Manifest: []sbom.ManifestEntry{
				{Path: "/bin/sh", Algorithm: "md5", Digest: "A"},
				{Path: "/etc/changed.conf", Algorithm: "md5", Digest: "a", Config: true},
				{Path: "/etc/missing.conf", Config: true},
				{Path: "/lib/sh", Algorithm: "md5", Digest: "a"},
				{Path: "/loop/x"},
				{Path: "/opt/content", Algorithm: "md5", Digest: "a"},
				{Path: "/opt/same", Algorithm: "sha1", Digest: "a", Mode: "0100644", Size: 3},
			}},
			{Name: "q", Type: "rpm", Manifest: []sbom.ManifestEntry{
				{Path: "/opt/content", Algorithm: "sha512", Digest: "a", Mode: "644"},
				{Path: "/opt/mode", Mode: "0644"},
				{Path: "/opt/same", Mode: "100644"},
				{Path: "/opt/size", Size: 5},
				{Path: "/opt/directory", Mode: "40755", Size: 4096},
				{Path: "/opt/link", Mode: "644", Size: 9},
				{Path: "/opt/same", Mode: "0"},
			}},
			{Name: "r", Type: "conan", Manifest: []sbom.ManifestEntry{{Path: "/nowhere"}}},
		},
	})
	found := func(pkg, path, status string) string {
		return "VERIFY check against package db for package '" + pkg + "' failed on entry '" + path + "' with status: '" + status + "'"
	}
	missing := found("p", "/etc/missing.conf", "missing")
	loop := found("p", "/loop/x", "missing")
	content := found("p", "/opt/content", "changed")
	mode := found("q", "/opt/mode", "changed")
	size := found("q", "/opt/size", "changed")
	testTrigger(t, "packages", "verify", []gateTest{
		{"everything", nil, image, []string{missing, loop, content, mode, size}},
		{"changed", []string{"check", "changed"}, image, []string{content, mode, size}},
		{"missing", []string{"check", "missing"}, image, []string{missing, loop}},
		{"packages", []string{"only_packages", "q,x"}, image, []string{mode, size}},
		{"directories", []string{"only_directories", "/etc,/opt/m"}, image, []string{missing, mode}},
		{"a path below two directories", []string{"only_directories", "/etc,/etc/m"}, image, []string{missing}},
		{"no manifest", nil, packaged, nil},
	})
}
