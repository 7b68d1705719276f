package analyzer_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/lab"
)

const (
	release   = "ID=test\nVERSION_ID=1\n"
	dpkgList  = "/var/lib/dpkg/status"
	apkList   = "/lib/apk/db/installed"
	distrless = "/var/lib/dpkg/status.d/"
	pacmanGMP = "/var/lib/pacman/local/gmp-6.2.1-2/"
	portage   = "/var/db/pkg/app-containers/skopeo-1.5.1/"
	mariner   = "/var/lib/rpmmanifest/container-manifest-2"
	sqliteRPM = "/var/lib/rpm/rpmdb.sqlite"
	susendb   = "/usr/lib/sysimage/rpm/Packages.db"
	berkeley  = "/var/lib/rpm/Packages"

	libc     = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n"
	zlib     = "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2\n\n"
	musl     = "P:musl\nV:1.2.4-r2\nA:x86_64\n\n"
	busybox  = "P:busybox\nV:1.36.1-r5\nA:x86_64\n\n"
	gmp      = "%NAME%\ngmp\n\n%VERSION%\n6.2.1-2\n\n"
	bashLine = "bash\t5.1.8-1.cm2\t1\t2\tMicrosoft\t(none)\t3\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\n"
)

// rpmDatabase is the package database of a real system, from the tests of the
// library with which syft reads it.
func rpmDatabase(t *testing.T, name string) string {
	t.Helper()
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anchore/go-rpmdb").Output()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), "pkg", "testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// overwritten has zeros where a text first is.
func overwritten(content, text string) string {
	at := strings.Index(content, text)
	return content[:at] + strings.Repeat("\x00", 2048) + content[at+2048:]
}

// An image of which the package database is damaged, wherever and however, is not
// one without these packages.
func TestDamagedPackageDatabase(t *testing.T) {
	t.Parallel()
	sqlite, ndb, bdb := rpmDatabase(t, "cbl-mariner-2.0/rpmdb.sqlite"), rpmDatabase(t, "sle15-bci/Packages.db"), rpmDatabase(t, "libuuid/Packages")
	for _, test := range []struct{ name, path, content string }{
		{"dpkg, stray line", dpkgList, libc + zlib + " stray\n"},
		{"dpkg, stray field", dpkgList, libc + "stray: line\n\n" + zlib},
		{"dpkg, a field twice", dpkgList, strings.TrimSuffix(libc, "\n") + zlib},
		{"dpkg, cut in a record", dpkgList, libc + zlib[:len(zlib)-8]},
		{"dpkg, cut before a version", dpkgList, libc + zlib[:strings.Index(zlib, "Version")]},
		{"dpkg, nothing left", dpkgList, ""},
		{"dpkg, zeros", dpkgList, strings.Repeat("\x00", 1000)},
		{"distroless, the version not ended", distrless + "libc6", strings.TrimSpace(libc)},
		{"distroless, cut", distrless + "libc6", libc[:20]},
		{"opkg, cut", "/usr/lib/opkg/status", libc + zlib[:20]},
		{"apk, garbage", apkList, strings.Repeat("garbage\n", 100)},
		{"apk, stray line", apkList, musl + "stray line\n" + busybox},
		{"apk, cut", apkList, musl + busybox[:20]},
		{"apk, nothing left", apkList, ""},
		{"pacman, cut", pacmanGMP + "desc", gmp[:24]},
		{"pacman, nothing left", pacmanGMP + "desc", ""},
		{"pacman, no description", pacmanGMP + "files", "%FILES%\nusr/\n"},
		{"portage, no contents", portage + "PF", "skopeo-1.5.1\n"},
		{"portage, no version", "/var/db/pkg/app-containers/skopeo/CONTENTS", "dir /usr\n"},
		{"rpm manifest, cut", mariner, bashLine + bashLine[:30]},
		{"rpm manifest, stray line", mariner, bashLine + "stray\n"},
		{"rpm in SQLite, garbage", sqliteRPM, strings.Repeat("junk", 5000)},
		{"rpm in SQLite, cut", sqliteRPM, sqlite[:len(sqlite)/2]},
		{"rpm in SQLite, a page overwritten", sqliteRPM, sqlite[:868352] + strings.Repeat("\x00", 4096) + sqlite[868352+4096:]},
		{"rpm in SQLite, nothing left", sqliteRPM, ""},
		{"rpm in ndb, cut", susendb, ndb[:len(ndb)/2]},
		{"rpm in ndb, a package overwritten", susendb, overwritten(ndb, ".src.rpm")},
		{"rpm in Berkeley DB, cut", berkeley, bdb[:len(bdb)/2]},
		{"rpm in Berkeley DB, a package overwritten", berkeley, bdb[:12288] + strings.Repeat("\x00", 4096) + bdb[12288+4096:]},
		{"rpm in Berkeley DB, nothing left", berkeley, ""},
		{"below another root", "/srv/root" + dpkgList, libc + zlib + " stray\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, analyzer.Limits{})
			_, err := b.Analyze(t.Context(), b.push(t, build(t, lab.Copy("/", lab.Text("/etc/os-release", release), lab.Text(test.path, test.content)))))
			if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "package database "+test.path+" is damaged") || !strings.Contains(err.Error(), "push the image again") {
				t.Errorf("got %v", err)
			}
			if left := b.leftovers(t); len(left) > 0 {
				t.Errorf("left in the scratch space: %v", left)
			}
		})
	}
}

func TestSoundPackageDatabase(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		files map[string]string
		want  int
	}{
		{"dpkg", map[string]string{dpkgList: libc + zlib}, 2},
		{"dpkg, one removed", map[string]string{dpkgList: libc + strings.Replace(zlib, "install ok installed", "deinstall ok config-files", 1)}, 1},
		{"distroless", map[string]string{distrless + "libc6": libc, distrless + "libc6.md5sums": "0  usr/lib/libc.so.6\n", distrless + "zlib1g": zlib}, 2},
		{"distroless with an empty list", map[string]string{dpkgList: "\n", distrless + "libc6": libc}, 1},
		{"dpkg and an empty database of rpm", map[string]string{dpkgList: libc, sqliteRPM: ""}, 1},
		{"opkg", map[string]string{"/usr/lib/opkg/status": libc + zlib}, 2},
		{"apk", map[string]string{apkList: musl + busybox}, 2},
		{"pacman", map[string]string{pacmanGMP + "desc": gmp}, 1},
		{"portage", map[string]string{portage + "CONTENTS": "dir /usr\n", portage + "PF": "skopeo-1.5.1\n"}, 1},
		{"rpm manifest", map[string]string{mariner: bashLine}, 1},
		{"rpm in SQLite", map[string]string{sqliteRPM: rpmDatabase(t, "cbl-mariner-2.0/rpmdb.sqlite"), sqliteRPM + "-wal": ""}, 129},
		{"rpm in ndb", map[string]string{susendb: rpmDatabase(t, "sle15-bci/Packages.db")}, 35},
		{"rpm in Berkeley DB", map[string]string{berkeley: rpmDatabase(t, "libuuid/Packages")}, 1},
		{"none", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := []lab.File{lab.Text("/etc/os-release", release)}
			for path, content := range test.files {
				files = append(files, lab.Text(path, content))
			}
			b := newBench(t, analyzer.Limits{})
			result, err := b.Analyze(t.Context(), b.push(t, build(t, lab.Copy("/", files...))))
			if err != nil {
				t.Fatal(err)
			}
			if got := len(result.Inventory.Packages); got != test.want {
				t.Errorf("%d packages, want %d", got, test.want)
			}
			for _, each := range result.Inventory.Unreadable {
				if !strings.HasPrefix(each.Path, pacmanGMP) { // its lists of files
					t.Errorf("unreadable: %+v", each)
				}
			}
		})
	}
}

// What else cannot be read is listed, and the rest of the image is analyzed.
func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	jar := jarOf(t, "META-INF/MANIFEST.MF", "Implementation-Title: a\nImplementation-Version: 1\n")
	broken := map[string]string{
		"/app/bom/package.json":                   "\ufeff" + `{"name":"bom","version":"1.0.0"}`,
		"/app/cut/package.json":                   `{"name":"cut","version":`,
		"/app/jar/cut.jar":                        jar[:len(jar)-30],
		"/app/php/vendor/composer/installed.json": "{",
		"/app/dotnet/app.deps.json":               "{",
	}
	files := []lab.File{lab.Text("/app/ok/package.json", `{"name":"ok","version":"1.0.0"}`)}
	for path, content := range broken {
		files = append(files, lab.Text(path, content))
	}
	b := newBench(t, analyzer.Limits{})
	result, err := b.Analyze(t.Context(), b.push(t, build(t, lab.Debian(lab.Bookworm()...), lab.Copy("/", files...))))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, each := range result.Inventory.Unreadable {
		listed[each.Path] = true
		if each.Cataloger == "" || each.Reason == "" || broken[each.Path] == "" {
			t.Errorf("unreadable: %+v", each)
		}
	}
	inSBOM := unknownsOf(t, result.SBOM)
	for path := range broken {
		if !listed[path] || !slices.Contains(inSBOM, path) {
			t.Errorf("%s: listed %v, in the SBOM %v", path, listed[path], slices.Contains(inSBOM, path))
		}
	}
	if !slices.ContainsFunc(result.Inventory.Packages, func(p sbom.Package) bool { return p.Name == "ok" }) {
		t.Error("the package beside them is missing")
	}
}

func jarOf(t *testing.T, name, content string) string {
	t.Helper()
	var written bytes.Buffer
	archive := zip.NewWriter(&written)
	file, err := archive.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return written.String()
}

// unknownsOf are the files of which the SBOM says that they could not be read.
func unknownsOf(t *testing.T, document []byte) (paths []string) {
	t.Helper()
	var bill struct {
		Files []struct {
			Location struct{ Path string }
			Unknowns []string
		}
	}
	if err := json.Unmarshal(document, &bill); err != nil {
		t.Fatal(err)
	}
	for _, each := range bill.Files {
		if len(each.Unknowns) > 0 {
			paths = append(paths, each.Location.Path)
		}
	}
	return paths
}
