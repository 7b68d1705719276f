package analyzer_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// jar makes an archive with the given members.
func jar(t testing.TB, members map[string][]byte) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := zip.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		member, err := writer.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := member.Write(members[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// entry is one member of a layer, to the letter. Its content is Size zeros if
// content is empty.
type entry struct {
	tar.Header
	content string
}

// raw makes an image with one layer of exactly these entries.
func raw(t testing.TB, entries func(yield func(entry) bool)) v1.Image {
	t.Helper()
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for each := range entries {
		if each.content != "" {
			each.Size = int64(len(each.content))
		}
		header := writer.WriteHeader(&each.Header)
		_, err := io.WriteString(writer, each.content)
		if each.content == "" {
			_, err = io.CopyN(writer, zeros{}, each.Size)
		}
		if err := errors.Join(header, err); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buffer.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(open)
	if err != nil {
		t.Fatal(err)
	}
	return withLayer(t, empty.Image, layer)
}

func withLayer(t testing.TB, image v1.Image, layers ...v1.Layer) v1.Image {
	t.Helper()
	image, err := mutate.AppendLayers(image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func file(name, content string) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, content: content}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
