package analyzer_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/lab"
)

func TestInventoryOfADebianImage(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, build(t,
		lab.Debian(lab.Bookworm()...),
		lab.Node("/app", lab.NodeModule{Name: "lodash", Version: "4.17.20"}, lab.NodeModule{Name: "left-pad", Version: "1.3.0"}),
		lab.Remove("/app/node_modules/left-pad"),
		lab.User("app"),
	))
	var stages []string
	request.Progress = func(p analyzer.Progress) { stages = append(stages, p.Stage) }
	result, err := b.Analyze(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	inventory := result.Inventory
	if want := []string{"fetching layers", "digesting files", "indexing layers", "cataloging packages", "reading files", "writing results"}; !slices.Equal(slices.Compact(stages), want) {
		t.Errorf("stages = %q, want %q", slices.Compact(stages), want)
	}
	if want := (sbom.Distro{ID: "debian", VersionID: "12", Name: "Debian GNU/Linux 12 (bookworm)"}); inventory.Distro.ID != want.ID || inventory.Distro.VersionID != want.VersionID || inventory.Distro.Name != want.Name {
		t.Errorf("distro = %+v, want %+v", inventory.Distro, want)
	}
	if inventory.Digest != request.Digest || len(inventory.ImageID) != 64 || inventory.Layers != 3 || inventory.OS != "linux" || inventory.Architecture != "amd64" {
		t.Errorf("inventory = %s %s, %d layers, %s/%s", inventory.Digest, inventory.ImageID, inventory.Layers, inventory.OS, inventory.Architecture)
	}
	if !strings.HasPrefix(inventory.Dockerfile.Text, "FROM scratch\n") || !strings.HasSuffix(inventory.Dockerfile.Text, "\nUSER app") {
		t.Errorf("Dockerfile = %q", inventory.Dockerfile.Text)
	}
	if !strings.HasPrefix(string(inventory.Retrieved["/etc/passwd"]), "root:x:0:0") {
		t.Errorf("retrieved = %q", inventory.Retrieved)
	}
	checkPackages(t, inventory)
	checkFiles(t, inventory)
	checkSBOM(t, result, len(inventory.Packages))
	if left := b.leftovers(t); len(left) > 0 {
		t.Errorf("left in the scratch space: %v", left)
	}
}

func checkPackages(t *testing.T, inventory *sbom.Inventory) {
	t.Helper()
	found := map[string]sbom.Package{}
	for _, each := range inventory.Packages {
		found[each.Name] = each
	}
	if _, deleted := found["left-pad"]; deleted {
		t.Error("a package of a deleted file was found")
	}
	for _, want := range []sbom.Package{
		{Name: "libssl3", Version: "3.0.9-1", Type: "deb", Source: "openssl", Location: "pkgdb"},
		{Name: "zlib1g", Version: "1:1.2.13.dfsg-1", Type: "deb", Source: "zlib", Location: "pkgdb"},
		{Name: "lodash", Version: "4.17.20", Type: "npm", Language: "javascript", Location: "/app/node_modules/lodash/package.json"},
	} {
		got := found[want.Name]
		if got.Version != want.Version || got.Type != want.Type || got.Language != want.Language || got.Source != want.Source || got.Location != want.Location {
			t.Errorf("package = %+v, want %+v", got, want)
		}
		if got.ID == "" || got.PURL == "" || len(got.Licenses) == 0 || len(got.Locations) == 0 || (want.Type == "deb") != (len(got.Manifest) > 0) {
			t.Errorf("package = %+v, want it complete", got)
		}
	}
}

func checkFiles(t *testing.T, inventory *sbom.Inventory) {
	t.Helper()
	files := map[string]sbom.File{}
	for _, each := range inventory.Files {
		files[each.Path] = each
	}
	for path, mode := range map[string]uint32{
		"/usr/bin/su":    0o104755,
		"/usr/bin/chage": 0o102755,
		"/tmp":           0o041777,
		"/etc/passwd":    0o100644,
	} {
		if files[path].Mode != mode {
			t.Errorf("mode of %s = %o, want %o", path, files[path].Mode, mode)
		}
	}
	for _, each := range inventory.Packages {
		for _, entry := range each.Manifest {
			if file := files[entry.Path]; file.MD5 != entry.Digest || len(file.SHA256) != 64 {
				t.Errorf("%s = %+v, want MD5 %s as the package database has it", entry.Path, file, entry.Digest)
			}
		}
	}
	if passwd := files["/etc/passwd"]; passwd.MD5 != "" || passwd.SHA1 != "" || passwd.SHA256 == "" {
		t.Errorf("/etc/passwd = %+v, want SHA-256 only", passwd)
	}
}

func checkSBOM(t *testing.T, result analyzer.Result, packages int) {
	t.Helper()
	var document struct {
		Artifacts  []struct{ Name string }
		Source     struct{ Name string }
		Descriptor struct{ Name, Version string }
	}
	if err := json.Unmarshal(result.SBOM, &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Artifacts) != packages || document.Descriptor.Name != "syft" || !strings.HasSuffix(document.Source.Name, "/app") {
		t.Errorf("SBOM by %+v of %+v with %d packages, want %d", document.Descriptor, document.Source, len(document.Artifacts), packages)
	}
	if !strings.HasPrefix(result.Version, "syft "+document.Descriptor.Version+" ") {
		t.Errorf("version = %q for an SBOM by %+v", result.Version, document.Descriptor)
	}
}

func TestSecretsAreFoundAlsoThroughLinks(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	content := analyzer.DefaultContent()
	content.Search = []string{"TODO=.*todo"}
	b.open(t, analyzer.Options{Content: &content})
	key := "-----BEGIN RSA PRIVATE KEY-----\n"
	request := b.push(t, build(t, lab.Copy("/",
		lab.Text("/root/.ssh/id_rsa", "# my key\n"+key),
		lab.Text("/root/large", strings.Repeat("x", 10_000)+"\n"+key),
		lab.Text("/root/.aws/credentials", "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"),
		lab.Text("/root/.aws/too-long", "aws_access_key_id = AKIAIOSFODNN7EXAMPLEX\n"),
		lab.Text("/root/notes", "one\nthe todo list\nlast todo"),
		lab.Symlink("/root/key", ".ssh/id_rsa"),
		lab.Symlink("/root/loop", "loop"),
	)))
	result, err := b.Analyze(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]int{}
	for _, hit := range append(result.Inventory.SecretHits, result.Inventory.ContentHits...) {
		name, _, _ := strings.Cut(hit.Expression, "=")
		got[hit.Path+" "+name] = hit.Lines
	}
	want := map[string][]int{
		"/root/.ssh/id_rsa PRIV_KEY":            {1},
		"/root/key PRIV_KEY":                    {1},
		"/root/.aws/credentials AWS_ACCESS_KEY": {0},
		"/root/.aws/credentials AWS_SECRET_KEY": {1},
		"/root/notes TODO":                      {1, 2},
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("hits = %v, want %v", got, want)
	}
}

func TestUnreadableExpressionIsNamedAtStart(t *testing.T) {
	t.Parallel()
	_, err := analyzer.Open(analyzer.Options{Directory: t.TempDir(), Content: &analyzer.Content{Secrets: []string{"BAD=(unclosed"}}})
	if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "BAD=(unclosed") {
		t.Errorf("error = %v, want errkind.Invalid that names the expression", err)
	}
}

func TestVersionFollowsTheContentConfiguration(t *testing.T) {
	t.Parallel()
	versions := map[string]bool{}
	for _, content := range []*analyzer.Content{nil, {}, {Retrieve: []string{"/etc/group"}}} {
		opened, err := analyzer.Open(analyzer.Options{Directory: t.TempDir(), Content: content})
		if err != nil {
			t.Fatal(err)
		}
		versions[opened.Version()] = true
		if err := opened.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(versions) != 3 {
		t.Errorf("versions = %v, want three", versions)
	}
}

// Every kind of package is found, in every form of image.
func TestKindsOfPackagesAndImages(t *testing.T) {
	t.Parallel()
	content := []lab.Part{
		lab.Copy("/", lab.Text("/etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n"), lab.Text("/lib/apk/db/installed", alpineDatabase),
			lab.Text("/etc/motd", "hello"), lab.Executable("/bin/busybox", []byte("#!")), lab.Symlink("/bin/sh", "busybox")),
		lab.Copy("/usr", lab.Text("/usr/lib/python3/site-packages/requests-2.25.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: requests\nVersion: 2.25.0\nLicense: Apache 2.0\n"),
			lab.Text("/usr/lib/python3/site-packages/requests-2.25.0.dist-info/top_level.txt", "requests\n"),
			lab.Text("/usr/lib/python3/site-packages/requests-2.25.0.dist-info/RECORD", "requests/__init__.py,,\n"),
			lab.Text("/usr/lib/ruby/gems/3.0.0/specifications/rack-2.2.0.gemspec", "Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.2.0\"\n  s.licenses = [\"MIT\".freeze]\nend\n")),
		lab.Copy("/srv", lab.File{Path: "/srv/app-1.0.jar", Data: jar(t, map[string][]byte{
			"META-INF/MANIFEST.MF":                          []byte("Manifest-Version: 1.0\n\n"),
			"META-INF/maven/org.example/app/pom.properties": []byte("groupId=org.example\nartifactId=app\nversion=1.0\n"),
			"lib/inner-2.0.jar":                             jar(t, map[string][]byte{"META-INF/MANIFEST.MF": []byte("Manifest-Version: 1.0\n\n"), "META-INF/maven/org.example/inner/pom.properties": []byte("groupId=org.example\nartifactId=inner\nversion=2.0\n")}),
		})}),
	}
	want := map[string]string{
		"musl 1.2.5-r0 apk":      "pkgdb",
		"requests 2.25.0 python": "/usr/lib/python3/site-packages/requests",
		"rack 2.2.0 gem":         "/usr/lib/ruby/gems/3.0.0/specifications/rack-2.2.0.gemspec",
		"app 1.0 java-archive":   "/srv/app-1.0.jar",
		"inner 2.0 java-archive": "/srv/app-1.0.jar:lib/inner-2.0.jar",
	}
	for name, form := range map[string][]lab.Part{"OCI": nil, "Docker schema 2": {lab.Docker}, "zstd": {lab.Zstd}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, analyzer.Limits{})
			result, err := b.Analyze(t.Context(), b.push(t, build(t, append(form, content...)...)))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, each := range result.Inventory.Packages {
				got[each.Name+" "+each.Version+" "+each.Type] = each.Location
			}
			if !maps.Equal(got, want) {
				t.Errorf("packages = %v, want %v", got, want)
			}
			checkAlpineFiles(t, result.Inventory)
		})
	}
}

const alpineDatabase = `C:Q1UpyuHNXzJjL2HdFWAqkcD1g9Kns=
P:musl
V:1.2.5-r0
A:x86_64
o:musl
L:MIT
F:etc
R:motd
a:0:0:644
Z:Q1qvTGHdzF6KLavt4PO0gs2a6pQ00=

`

// SHA-1 as Alpine's database records it must equal what was computed.
func checkAlpineFiles(t *testing.T, inventory *sbom.Inventory) {
	t.Helper()
	i := slices.IndexFunc(inventory.Files, func(f sbom.File) bool { return f.Path == "/etc/motd" })
	j := slices.IndexFunc(inventory.Packages, func(p sbom.Package) bool { return p.Name == "musl" })
	if i < 0 || j < 0 {
		t.Fatal("no /etc/motd or no musl")
	}
	var entry sbom.ManifestEntry
	for _, each := range inventory.Packages[j].Manifest {
		if each.Path == "/etc/motd" {
			entry = each
		}
	}
	if file := inventory.Files[i]; entry.Algorithm != "sha1" || entry.Mode != "644" || file.SHA1 != entry.Digest || len(file.SHA1) != 40 {
		t.Errorf("file = %+v, in the database %+v", file, entry)
	}
	link := slices.IndexFunc(inventory.Files, func(f sbom.File) bool { return f.Path == "/bin/sh" })
	if got := inventory.Files[link]; got.Link != "busybox" || got.Mode != sbom.ModeSymlink|0o777 || got.SHA256 != "" {
		t.Errorf("link = %+v", got)
	}
}

// TestLayersOfPackages: packages of the base image are distinguished from those built on it. A
// database that the own layer wrote anew tells nothing.
func TestLayersOfPackages(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	own := lab.Node("/app", lab.NodeModule{Name: "lodash", Version: "4.17.20"})
	for name, test := range map[string]struct {
		parts []lab.Part
		want  map[string]string
	}{
		"Debian":        {[]lab.Part{lab.Debian(lab.Bookworm()...), lab.Cmd("bash"), own, lab.Cmd("node")}, map[string]string{"zlib1g": "base", "lodash": "own"}},
		"Alpine":        {[]lab.Part{lab.Alpine(lab.Apk{Name: "musl", Version: "1.2.5-r0"}), lab.Cmd("sh"), own}, map[string]string{"musl": "base", "lodash": "own"}},
		"apk add":       {[]lab.Part{lab.Copy("/", lab.Text("/x", "x")), lab.Cmd("sh"), lab.Alpine(lab.Apk{Name: "musl", Version: "1.2.5-r0"}), own}, map[string]string{"musl": "", "lodash": "own"}},
		"not built on ": {[]lab.Part{lab.Debian(lab.Bookworm()...), own, lab.Cmd("node")}, map[string]string{"zlib1g": "", "lodash": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := b.Analyze(t.Context(), b.push(t, build(t, test.parts...)))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, p := range result.Inventory.Packages {
				if _, asked := test.want[p.Name]; asked {
					got[p.Name] = result.Inventory.LayerOf(p)
				}
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("comes from %v, want %v", got, test.want)
			}
		})
	}
}
