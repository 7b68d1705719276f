package analyzer_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// A file that a later layer replaces, hides or links to has the content that a
// container sees.
func TestContentsAreThoseOfTheSquashedFileSystem(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, stacked(t,
		[]entry{
			file("etc/kept", "kept"), file("etc/replaced", "before"), file("etc/hidden", "hidden"), file("etc/linked", "linked"),
			file("opt/old", "old"), file("empty", ""), file("twice", "first"), file("twice", "second"),
			{Header: tar.Header{Name: "etc/hard", Typeflag: tar.TypeLink, Linkname: "etc/linked"}},
			{Header: tar.Header{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "etc"}},
		},
		[]entry{
			file("etc/replaced", "after!"), file("etc/.wh.hidden", ""), file("etc/.wh.linked", ""), file("opt/.wh..wh..opq", ""),
			file("opt/new", "new"), file("opt/copy", "kept"),
		},
	))
	analyzed, err := b.Analyze(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	err = b.Contents(t.Context(), request, analyzed.Inventory, func(paths []string, size int64, content io.Reader) error {
		text, err := io.ReadAll(content)
		if int64(len(text)) != size || got[string(text)] != "" {
			t.Errorf("%q has %d bytes, the walk gave %d; before: %q", text, len(text), size, got[string(text)])
		}
		got[string(text)] = strings.Join(paths, " ")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"kept": "/etc/kept /opt/copy", "after!": "/etc/replaced", "linked": "/etc/hard", "new": "/opt/new", "second": "/twice"}
	if !maps.Equal(got, want) {
		t.Errorf("contents = %q, want %q", got, want)
	}
	if left := b.leftovers(t); len(left) > 0 {
		t.Errorf("left in the scratch space: %v", left)
	}
}

// Layers that the store no longer has are fetched again.
func TestContentsOfEvictedLayers(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, stacked(t, []entry{file("a", "text")}))
	analyzed, err := b.Analyze(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	b.directory = t.TempDir()
	b.open(t, analyzer.Options{})
	visited := 0
	err = b.Contents(t.Context(), request, analyzed.Inventory, func([]string, int64, io.Reader) error { visited++; return nil })
	if err != nil || visited != 1 {
		t.Errorf("%d contents and error %v, want one and none", visited, err)
	}
}

func TestContentsEndWithAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	request, other := b.push(t, stacked(t, []entry{file("a", "text")})), b.push(t, stacked(t, []entry{file("b", "TEXT")}))
	analyzed, err := b.Analyze(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name    string
		ctx     context.Context
		request analyzer.Request
		visit   error
		want    error
	}{
		{"of the visitor", t.Context(), request, enough, enough},
		{"for the inventory of another image", t.Context(), other, nil, errkind.Invalid},
		{"when the caller gives up", canceled, request, nil, context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := b.Contents(test.ctx, test.request, analyzed.Inventory, func([]string, int64, io.Reader) error { return test.visit })
			if !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
		})
	}
}

// Sparse files let a small layer claim any number of bytes.
func TestSparseFilesAreBounded(t *testing.T) {
	t.Parallel()
	const size = 16 << 20
	b := newBench(t, analyzer.Limits{ImageBytes: 3 * size})
	for _, test := range []struct {
		name   string
		copies int
		want   error
	}{
		{"within the limit", 1, nil},
		{"beyond the limit", 10, errkind.Limit},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var archive []byte
			for range test.copies {
				archive = append(archive, sparseFile("sparse", size)...)
			}
			built := withLayer(t, empty.Image, layerOf(t, append(archive, make([]byte, 1024)...)))
			request := b.push(t, built)
			analyzed, err := b.Analyze(t.Context(), request)
			if !errors.Is(err, test.want) {
				t.Fatalf("error = %v, want %v", err, test.want)
			}
			if err != nil {
				return
			}
			sum := fmt.Sprintf("%x", sha256.Sum256(make([]byte, size)))
			if listed := analyzed.Inventory.Files[0]; listed.Path != "/sparse" || listed.Size != size || listed.SHA256 != sum {
				t.Errorf("listed as %+v, want the digest of its holes", listed)
			}
			var largest int64
			err = b.Contents(t.Context(), request, analyzed.Inventory, func(_ []string, size int64, _ io.Reader) error { largest = max(largest, size); return nil })
			if err != nil || largest != size {
				t.Errorf("error = %v with a file of %d bytes", err, largest)
			}
		})
	}
}

// sparseFile is an entry that is nothing but one hole, in the format 1.0 of
// https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html.
func sparseFile(name string, size int64) []byte {
	var records string
	for _, field := range []string{"major=1", "minor=0", "name=" + name, fmt.Sprintf("realsize=%d", size)} {
		record := " GNU.sparse." + field + "\n"
		records += fmt.Sprintf("%d%s", len(record)+2, record) // with its own length, of two digits
	}
	return slices.Concat(header("pax", 'x', len(records)), padded(records), header("GNUSparseFile.0/file", '0', 512), padded("0\n"))
}

func padded(text string) []byte { return append([]byte(text), make([]byte, 512-len(text))...) }

func header(name string, kind byte, size int) []byte {
	block := make([]byte, 512)
	for at, text := range map[int]string{0: name, 100: "0000644", 124: fmt.Sprintf("%011o", size), 148: "        ", 156: string(kind), 257: "ustar\x0000"} {
		copy(block[at:], text)
	}
	sum := 0
	for _, b := range block {
		sum += int(b)
	}
	copy(block[148:], fmt.Sprintf("%06o\x00 ", sum))
	return block
}

// stacked makes an image with a layer of each list of entries.
func stacked(t *testing.T, stack ...[]entry) v1.Image {
	t.Helper()
	image := empty.Image
	for _, entries := range stack {
		image = withLayer(t, image, layersIn(t, raw(t, slices.Values(entries)))...)
	}
	return image
}

func layersIn(t testing.TB, image v1.Image) []v1.Layer {
	t.Helper()
	found, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func layerOf(t *testing.T, archive []byte) v1.Layer {
	t.Helper()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return layer
}
