package analyzer_test

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"errors"
	gobuild "go/build"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// hostFolders are the layers of a realistic image above its packages, as far as
// this machine has them: what languages and their tools install.
var hostFolders = [][]string{
	{"/usr/share/java", "/usr/share/maven-repo", "/usr/lib/node_modules", "/usr/share/nodejs", "/usr/lib/python3"},
	{gobuild.Default.GOROOT + "/bin", gobuild.Default.GOROOT + "/pkg"},
	{"/usr/lib"},
}

const (
	dpkgFolder   = "/var/lib/dpkg"
	hostPackages = 300 // of the distribution, as in an image with a compiler or two
)

// hostImage is an image of this machine's own files, up to largeImage bytes of
// them: some of the installed Debian packages with all their files, where there
// are any, and the layers of hostFolders.
func hostImage(b *testing.B) v1.Image {
	b.Helper()
	seen := map[string]bool{}
	base := newArchive(b, seen, largeImage)
	for _, path := range []string{"/etc/os-release", "/usr/lib/os-release", "/etc/passwd", "/etc/debian_version"} {
		base.add(path)
	}
	base.addPackages()
	layers, left := []v1.Layer{base.layer()}, base.left
	for _, folders := range hostFolders {
		archive := newArchive(b, seen, left)
		for _, folder := range folders {
			archive.add(folder)
		}
		layers, left = append(layers, archive.layer()), archive.left
	}
	return withLayer(b, empty.Image, layers...)
}

// addPackages adds the packages that any system has, and then others in the
// order of the database, with a database that lists just them.
func (a *archive) addPackages() {
	a.b.Helper()
	status, err := os.ReadFile(filepath.Join(dpkgFolder, "status"))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		a.b.Fatal(err)
	}
	entries := strings.Split(strings.TrimSpace(string(status)), "\n\n")
	slices.SortStableFunc(entries, func(x, y string) int { return cmp.Compare(rank(x), rank(y)) })
	entries = entries[:min(len(entries), hostPackages)]
	for _, entry := range entries {
		name := field(entry, "Package")
		lists, _ := filepath.Glob(filepath.Join(dpkgFolder, "info", name+"[.:]*")) // the pattern is good
		for _, list := range lists {
			a.add(list)
			if filepath.Ext(list) == ".list" {
				a.addListed(list)
			}
		}
	}
	a.text(filepath.Join(dpkgFolder, "status"), strings.Join(entries, "\n\n")+"\n")
}

// addListed adds the files of a package, without its folders' other content.
func (a *archive) addListed(list string) {
	content, err := os.ReadFile(list)
	if err != nil {
		a.b.Fatal(err)
	}
	for path := range strings.Lines(string(content)) {
		path = strings.TrimSpace(path)
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			a.add(path)
		}
	}
}

// rank orders packages by how likely an image has them.
func rank(entry string) int {
	if i := slices.Index([]string{"required", "important", "standard"}, field(entry, "Priority")); i >= 0 {
		return i
	}
	return math.MaxInt
}

func field(entry, name string) string {
	for line := range strings.Lines(entry) {
		if value, found := strings.CutPrefix(line, name+": "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// archive is a layer in the making: a file, for it is too large to hold.
type archive struct {
	b       *testing.B
	file    *os.File
	packed  *gzip.Writer
	entries *tar.Writer
	seen    map[string]bool // paths of all layers
	left    int64           // bytes that may still be added
}

func newArchive(b *testing.B, seen map[string]bool, left int64) *archive {
	b.Helper()
	file, err := os.CreateTemp(b.TempDir(), "layer-*.tar.gz")
	if err != nil {
		b.Fatal(err)
	}
	packed := gzip.NewWriter(file)
	return &archive{b: b, file: file, packed: packed, entries: tar.NewWriter(packed), seen: seen, left: left}
}

// add adds a folder with all below it, as far as it may be read and there is
// room. Symbolic links are kept, special files left out.
func (a *archive) add(root string) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || a.seen[path] {
			return nil
		}
		info, err := entry.Info()
		if err != nil || info.Size() > a.left && info.Mode().IsRegular() {
			return nil
		}
		a.seen[path] = true
		return a.put(path, info)
	})
	if err != nil {
		a.b.Fatal(err)
	}
}

// text adds a file that is not as this machine has it.
func (a *archive) text(path, content string) {
	header := &tar.Header{Name: strings.TrimPrefix(path, "/"), Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}
	if err := a.entries.WriteHeader(header); err != nil {
		a.b.Fatal(err)
	}
	if _, err := io.WriteString(a.entries, content); err != nil {
		a.b.Fatal(err)
	}
	a.seen[path] = true
}

func (a *archive) put(path string, info fs.FileInfo) error {
	var target string
	var content io.ReadCloser
	var err error
	switch mode := info.Mode(); {
	case mode.IsRegular():
		if content, err = os.Open(path); err != nil {
			return nil // not ours to read
		}
		defer content.Close()
		a.left -= info.Size()
	case mode&fs.ModeSymlink != 0:
		if target, err = os.Readlink(path); err != nil {
			return err
		}
	case !mode.IsDir():
		return nil
	}
	header, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	header.Name = strings.TrimPrefix(path, "/")
	if err := a.entries.WriteHeader(header); err != nil || content == nil {
		return err
	}
	_, err = io.CopyN(a.entries, content, info.Size())
	return err
}

func (a *archive) layer() v1.Layer {
	a.b.Helper()
	if err := errors.Join(a.entries.Close(), a.packed.Close(), a.file.Close()); err != nil {
		a.b.Fatal(err)
	}
	layer, err := tarball.LayerFromFile(a.file.Name())
	if err != nil {
		a.b.Fatal(err)
	}
	return layer
}
