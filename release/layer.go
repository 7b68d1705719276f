package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nonroot is the user of distroless images.
const nonroot = 65532

// entry is a file or a folder of the image.
type entry struct {
	path    string // without a leading slash; with one at the end, a folder
	mode    int64
	owner   int
	content []byte
}

// newLayer is a layer of these entries, all of one date.
func newLayer(entries []entry, date time.Time) (v1.Layer, error) {
	var packed bytes.Buffer
	out := tar.NewWriter(&packed)
	for _, e := range entries {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: e.path, Mode: e.mode, Uid: e.owner, Gid: e.owner,
			Size: int64(len(e.content)), ModTime: date, Format: tar.FormatPAX}
		if e.path[len(e.path)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := out.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.path, err)
		}
		if _, err := out.Write(e.content); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.path, err)
		}
	}
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("pack the layer: %w", err)
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
}

// entriesOf are the programs, what belongs to them, and the folder of their data,
// whose owner a new volume takes.
func entriesOf(programs map[string]string, documents map[string][]byte) ([]entry, error) {
	entries := []entry{{path: "usr/local/bin/", mode: 0o755}}
	for _, name := range contained {
		content, err := os.ReadFile(programs[name])
		if err != nil {
			return nil, fmt.Errorf("pack the programs: %w", err)
		}
		entries = append(entries, entry{path: "usr/local/bin/" + name, mode: 0o755, content: content})
	}
	entries = append(entries, entry{path: "usr/share/doc/tagwatch/", mode: 0o755})
	for _, name := range sorted(documents) {
		entries = append(entries, entry{path: "usr/share/doc/tagwatch/" + name, mode: 0o644, content: documents[name]})
	}
	return append(entries, entry{path: "var/lib/tagwatch/", mode: 0o700, owner: nonroot}), nil
}
