package pkgdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// tree are the files of an image.
type tree map[string]string

func (files tree) find(pattern string) (map[string]int64, error) {
	found := map[string]int64{}
	for name, content := range files {
		if matched, err := path.Match(pattern, name); err != nil {
			return nil, err
		} else if matched {
			found[name] = int64(len(content))
		}
	}
	return found, nil
}

// checkPath checks a file with the first kind that has it.
func checkPath(t *testing.T, files tree, name string) (int, error) {
	t.Helper()
	for _, kind := range Kinds {
		for _, glob := range kind.Globs {
			if matches(t, glob, name) {
				return kind.Check(File{Path: name, Content: strings.NewReader(files[name]), Find: files.find})
			}
		}
	}
	t.Fatalf("no kind has %s", name)
	return 0, nil
}

// matches knows as much of globs as those of the kinds need.
func matches(t *testing.T, glob, name string) bool {
	t.Helper()
	glob, anywhere := strings.CutPrefix(glob, "**/")
	if open := strings.Index(glob, "{"); open >= 0 {
		end := open + strings.Index(glob[open:], "}")
		for _, choice := range strings.Split(glob[open+1:end], ",") {
			if matches(t, "**/"+glob[:open]+choice+glob[end+1:], name) {
				return true
			}
		}
		return false
	}
	glob = strings.ReplaceAll(glob, "**", "*")
	parts := strings.Split(name, "/")
	tail := strings.Join(parts[max(0, len(parts)-strings.Count(glob, "/")-1):], "/")
	matched, err := path.Match(glob, tail)
	if err != nil {
		t.Fatal(err)
	}
	return matched && anywhere
}

const (
	status  = "/var/lib/dpkg/status"
	list    = "/var/lib/dpkg/info/"
	apk     = "/lib/apk/db/installed"
	libc    = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\nDescription: library\n of C\n\n"
	zlib    = "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2\n\n"
	musl    = "C:Q1a\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld-musl.so\n\n"
	busybox = "P:busybox\nV:1.36.1-r5\nA:x86_64\n\n"
	pacman  = "/var/lib/pacman/local/gmp-6.2.1-2/"
	gmp     = "%NAME%\ngmp\n\n%VERSION%\n6.2.1-2\n\n%BASE%\ngmp\n\n"
	mariner = "/var/lib/rpmmanifest/container-manifest-2"
	bash    = "bash\t5.1.8-1.cm2\t1\t2\tMicrosoft\t(none)\t3\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\n"
	skopeo  = "/var/db/pkg/app-containers/skopeo-1.5.1/"
)

func TestTextDatabases(t *testing.T) {
	t.Parallel()
	known := tree{list + "libc6:amd64.list": "", list + "zlib1g.list": ""}
	with := func(name, content string) tree {
		files := tree{name: content}
		for path, other := range known {
			files[path] = other
		}
		return files
	}
	for _, test := range []struct {
		name  string
		files tree
		path  string
		want  int
		wrong string // part of the damage
	}{
		{"dpkg", with(status, libc+zlib), status, 2, ""},
		{"dpkg, both architectures", with(status, libc+strings.ReplaceAll(libc, "amd64", "i386")+zlib), status, 3, ""},
		{"dpkg, removed packages", with(status, libc+zlib+"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: never\nStatus: unknown ok not-installed\n\n"), status, 2, ""},
		{"dpkg, added by hand", with(status, libc+zlib+"Package: own\nStatus: install ok installed\nVersion: 1\n"), status, 3, ""},
		{"dpkg, a tab continues", with(status, libc+strings.TrimSuffix(zlib, "\n")+"Conffiles:\n\t/etc/x 1\n\n"), status, 2, ""},
		{"dpkg, empty", tree{status: ""}, status, 0, ""},
		{"dpkg, an empty line", tree{status: "\n"}, status, 0, ""},
		{"dpkg, stray line", with(status, libc+zlib+"stray\n"), status, 0, `line 13 is not a field: "stray"`},
		{"dpkg, stray continuation", with(status, libc+zlib+" stray\n"), status, 0, "line 13 continues a field"},
		{"dpkg, stray line within", with(status, strings.Replace(libc, "Arch", "<<<<<<< HEAD\nArch", 1)+zlib), status, 0, "line 3 is not a field"},
		{"dpkg, stray field", with(status, libc+zlib+"Stray: line\n"), status, 0, "names no package"},
		{"dpkg, zeros", with(status, libc+strings.Repeat("\x00", 4096)), status, 0, "not text"},
		{"dpkg, cut in a line", with(status, libc+zlib[:40]), status, 0, "ends in the middle of line"},
		{"dpkg, cut before the version", with(status, libc+zlib[:strings.Index(zlib, "Version")]), status, 0, "package zlib1g has no version"},
		{"dpkg, cut after the version", with(status, libc[:strings.Index(libc, "Description")]), status, 0, "without package zlib1g"},
		{"dpkg, cut after a name", tree{status: libc + "Package: zlib1g\n"}, status, 0, "has no version"},
		{"distroless, indentation lost", tree{status: strings.ReplaceAll(libc, "\n ", "\n") + zlib}, status, 2, ""},
		{"distroless", tree{"/var/lib/dpkg/status.d/libc6": strings.TrimSpace(libc)}, "/var/lib/dpkg/status.d/libc6", 1, ""},
		{"distroless, not ended", tree{status: libc + zlib[:50]}, status, 0, "in the middle of line"},
		{"distroless, cut", tree{"/var/lib/dpkg/status.d/libc6": libc[:30]}, "/var/lib/dpkg/status.d/libc6", 0, "no version"},
		{"distroless, empty", tree{"/var/lib/dpkg/status.d/libc6": ""}, "/var/lib/dpkg/status.d/libc6", 0, "describes no package"},
		{"distroless, garbage", tree{"/var/lib/dpkg/status.d/libc6": "\x1f\x8b\x08"}, "/var/lib/dpkg/status.d/libc6", 0, "not text"},
		{"distroless, sums", tree{"/var/lib/dpkg/status.d/libc6.md5sums": "0  usr/lib/libc.so\n"}, "/var/lib/dpkg/status.d/libc6.md5sums", 0, ""},
		{"opkg", tree{"/usr/lib/opkg/status": libc + zlib}, "/usr/lib/opkg/status", 2, ""},
		{"opkg, cut", tree{"/usr/lib/opkg/status": libc + zlib[:20]}, "/usr/lib/opkg/status", 0, "no version"},

		{"apk", tree{apk: musl + busybox}, apk, 2, ""},
		{"apk, empty", tree{apk: ""}, apk, 0, ""},
		{"apk, garbage", tree{apk: "garbage in place of a database\n"}, apk, 0, "line 1 is not a field"},
		{"apk, stray line", tree{apk: musl + "stray: line\n" + busybox}, apk, 0, "line 8 is not a field"},
		{"apk, zeros", tree{apk: musl + strings.Repeat("\x00", 512)}, apk, 0, "line 8 is not a field"},
		{"apk, no version", tree{apk: musl + "P:busybox\n\n"}, apk, 0, "no name or no version"},
		{"apk, cut in a line", tree{apk: musl + busybox[:14]}, apk, 0, `in the middle of package "busybox"`},
		{"apk, cut after a line", tree{apk: musl[:strings.Index(musl, "F:")]}, apk, 0, `in the middle of package "musl"`},

		{"pacman", tree{pacman + "desc": gmp}, pacman + "desc", 1, ""},
		{"pacman, empty", tree{pacman + "desc": ""}, pacman + "desc", 0, "no complete %NAME%"},
		{"pacman, cut", tree{pacman + "desc": gmp[:28]}, pacman + "desc", 0, "no complete %VERSION%"},
		{"pacman, garbage", tree{pacman + "desc": gmp + "\x00"}, pacman + "desc", 0, "not text"},
		{"pacman, complete", tree{pacman + "desc": gmp, pacman + "files": ""}, pacman + "files", 0, ""},
		{"pacman, no description", tree{pacman + "files": ""}, pacman + "files", 0, "has no file " + pacman + "desc"},

		{"portage", tree{skopeo + "CONTENTS": ""}, skopeo + "CONTENTS", 1, ""},
		{"portage, incomplete", tree{skopeo + "PF": "skopeo-1.5.1\n"}, skopeo + "PF", 0, "has no file"},
		{"a path with special characters", tree{"/[x]" + skopeo + "PF": "", "/[x]" + skopeo + "CONTENTS": ""}, "/[x]" + skopeo + "PF", 0, ""},

		{"mariner", tree{mariner: bash + strings.Replace(bash, "bash", "curl", 1)}, mariner, 2, ""},
		{"mariner, cut in a line", tree{mariner: bash + bash[:len(bash)-5]}, mariner, 0, "in the middle of line 2"},
		{"mariner, garbage", tree{mariner: bash + "stray\n"}, mariner, 0, `line 2 does not describe a package: "stray"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := checkPath(t, test.files, test.path)
			wantCheck(t, got, err, test.want, test.wrong)
		})
	}
}

func wantCheck(t *testing.T, got int, err error, want int, wrong string) {
	t.Helper()
	var damage *Damage
	switch {
	case wrong == "" && err != nil:
		t.Errorf("sound, and got %v", err)
	case wrong == "" && got != want:
		t.Errorf("%d packages, want %d", got, want)
	case wrong != "" && (!errors.As(err, &damage) || !strings.Contains(damage.Reason, wrong)):
		t.Errorf("got %v, want a damage with %q", err, wrong)
	}
}

// realRPM are databases of real systems, which the reader of rpm's databases that
// syft uses is tested with.
func realRPM(t *testing.T) []string {
	t.Helper()
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anchore/go-rpmdb").Output()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(folder)), "pkg", "testdata", "*", "*"))
	if err != nil || len(found) < 10 {
		t.Fatalf("%d databases: %v", len(found), err)
	}
	return found
}

func checkFile(t *testing.T, name string, content []byte) (int, error) {
	t.Helper()
	where := "/var/lib/rpm/" + filepath.Base(name)
	return checkPath(t, tree{where: string(content)}, where)
}

func TestRealRPMDatabases(t *testing.T) {
	t.Parallel()
	for _, name := range realRPM(t) {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := checkFile(t, name, content)
			wantCheck(t, got, err, 1, "")
		})
	}
}

// Each damage is of one that a reader does not notice, too: pages of zeros, a
// table of which the end is lost.
func TestDamagedRPMDatabases(t *testing.T) {
	t.Parallel()
	for _, format := range []struct{ name, system string }{{"sqlite", "cbl-mariner-2.0"}, {"ndb", "sle15-bci"}, {"bdb", "libuuid"}, {"bdb, big-endian", "ubi8-s390x"}} {
		var name string
		for _, each := range realRPM(t) {
			if filepath.Base(filepath.Dir(each)) == format.system {
				name = each
			}
		}
		sound, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		damaged := map[string][]byte{"garbage": []byte("garbage in place of a database"), "one byte": sound[:1], "head only": sound[:100]}
		for _, eighths := range []int{1, 4, 7} {
			at := len(sound) * eighths / 8
			damaged[fmt.Sprintf("cut at %d/8", eighths)] = sound[:at]
		}
		for what, content := range damaged {
			t.Run(format.name+", "+what, func(t *testing.T) {
				t.Parallel()
				got, err := checkFile(t, name, content)
				wantCheck(t, got, err, 0, " ")
			})
		}
	}
}

// A page of which nothing is left is noticed wherever packages are.
func TestOverwrittenRPMDatabases(t *testing.T) {
	t.Parallel()
	for _, name := range realRPM(t) {
		system := filepath.Base(filepath.Dir(name))
		if system != "cbl-mariner-2.0" && system != "sle15-bci" && system != "libuuid" {
			continue
		}
		sound, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for where := range pagesOfPackages(sound) {
			t.Run(fmt.Sprintf("%s at %d", system, where), func(t *testing.T) {
				t.Parallel()
				damaged := bytes.Clone(sound)
				copy(damaged[where:], make([]byte, 4096))
				got, err := checkFile(t, name, damaged)
				wantCheck(t, got, err, 0, " ")
			})
		}
	}
}

// pagesOfPackages are some places in a database at which the text of packages is.
// In SQLite these are leaves of the table.
func pagesOfPackages(content []byte) map[int]bool {
	places, leaves := map[int]bool{}, bytes.HasPrefix(content, []byte("SQLite"))
	for from := 0; len(places) < 5; {
		at := bytes.Index(content[from:], []byte(".src.rpm"))
		if at < 0 {
			break
		}
		page := (from + at) / 4096 * 4096
		if !leaves || content[page] == 0x0d {
			places[page] = true
		}
		from = page + 4096
	}
	return places
}

func TestRPMWriteAheadLog(t *testing.T) {
	t.Parallel()
	name := "/var/lib/rpm/rpmdb.sqlite"
	var sound []byte
	for _, each := range realRPM(t) {
		if strings.Contains(each, "cbl-mariner") {
			sound, _ = os.ReadFile(each)
		}
	}
	for content, wrong := range map[string]string{"": "", strings.Repeat("x", 32): "", strings.Repeat("x", 5000): name + "-wal holds changes"} {
		got, err := checkPath(t, tree{name: string(sound), name + "-wal": content}, name)
		wantCheck(t, got, err, 1, wrong)
	}
}

// A check must end even for an endless chain of pages.
func TestBerkeleyChainWithoutEnd(t *testing.T) {
	t.Parallel()
	const size = 512
	page := func(number uint32, kind byte) []byte {
		p := make([]byte, size)
		binary.LittleEndian.PutUint32(p[8:], number)
		p[25] = kind
		return p
	}
	meta, hash, overflow := page(0, pageHashMeta), page(1, pageHash), page(2, pageOverflow)
	binary.LittleEndian.PutUint32(meta[12:], 0x00061561)
	binary.LittleEndian.PutUint32(meta[20:], size)
	binary.LittleEndian.PutUint32(meta[32:], 2)
	binary.LittleEndian.PutUint16(hash[20:], 2)
	binary.LittleEndian.PutUint16(hash[pageHeader+2:], 400)
	hash[400] = entryOffPage
	binary.LittleEndian.PutUint32(hash[404:], 2)
	binary.LittleEndian.PutUint32(overflow[16:], 2) // itself
	got, err := checkFile(t, "Packages", bytes.Join([][]byte{meta, hash, overflow}, nil))
	wantCheck(t, got, err, 0, "cut or overwritten")
}
