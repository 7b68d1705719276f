package lab

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// epoch is the time of every file and, unless [Created] says otherwise, of every
// image: a fixed time keeps digests equal from run to run.
var epoch = time.Date(2024, time.February, 1, 12, 0, 0, 0, time.UTC)

// File is one entry of a layer. Parent directories need not be given.
type File struct {
	Path     string // absolute, in the image
	Data     []byte
	Mode     fs.FileMode // permissions with fs.ModeSetuid and the like; 0 means 0644, for a directory 0755
	UID, GID int
	Link     string // target, which makes it a symbolic link
	Dir      bool
}

// Text is a file with mode 0644 that belongs to root.
func Text(path, content string) File { return File{Path: path, Data: []byte(content)} }

// Executable is a file with mode 0755 that belongs to root.
func Executable(path string, content []byte) File {
	return File{Path: path, Data: content, Mode: 0o755}
}

// Symlink is a symbolic link.
func Symlink(path, target string) File { return File{Path: path, Link: target, Mode: 0o777} }

// Whiteout hides what earlier layers have at a path. See
// https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts.
func Whiteout(hidden string) File {
	dir, base := path.Split(hidden)
	return File{Path: path.Join(dir, ".wh."+base)}
}

// OpaqueWhiteout hides all that earlier layers have below a directory.
func OpaqueWhiteout(dir string) File { return File{Path: path.Join(dir, ".wh..wh..opq")} }

// newLayer builds a layer in one of the three layer formats. Files are sorted by
// path, and of two with the same path the later one counts.
func newLayer(files []File, format types.MediaType) (v1.Layer, error) {
	archive, err := archiveOf(files)
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }
	algorithm := compression.GZip
	if format == types.OCILayerZStd {
		algorithm = compression.ZStd
	}
	layer, err := tarball.LayerFromOpener(open, tarball.WithCompression(algorithm), tarball.WithMediaType(format))
	if err != nil {
		return nil, fmt.Errorf("build layer: %w", err)
	}
	return layer, nil
}

func archiveOf(files []File) ([]byte, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, file := range withParents(files) {
		err := w.WriteHeader(headerOf(file))
		if err == nil {
			_, err = w.Write(file.Data)
		}
		if err != nil {
			return nil, fmt.Errorf("layer entry %s: %w", file.Path, err)
		}
	}
	err := w.Close()
	return archive.Bytes(), err
}

// withParents returns the files and the directories that hold them, sorted, so
// that a directory comes before its content.
func withParents(files []File) []File {
	all := map[string]File{}
	for _, file := range files {
		file.Path = path.Clean("/" + file.Path)
		for dir := path.Dir(file.Path); dir != "/"; dir = path.Dir(dir) {
			if _, found := all[dir]; !found {
				all[dir] = File{Path: dir, Dir: true}
			}
		}
		all[file.Path] = file
	}
	return slices.SortedFunc(maps.Values(all), func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
}

func headerOf(file File) *tar.Header {
	header := &tar.Header{
		Name:    strings.TrimPrefix(file.Path, "/"),
		Mode:    tarMode(file),
		Uid:     file.UID,
		Gid:     file.GID,
		ModTime: epoch,
	}
	switch {
	case file.Dir:
		header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
	case file.Link != "":
		header.Typeflag, header.Linkname = tar.TypeSymlink, file.Link
	default:
		header.Typeflag, header.Size = tar.TypeReg, int64(len(file.Data))
	}
	return header
}

// tarMode translates Go's mode bits to those of tar, which are the traditional
// octal ones.
func tarMode(file File) int64 {
	if file.Mode == 0 {
		if file.Dir {
			return 0o755
		}
		return 0o644
	}
	mode := int64(file.Mode.Perm())
	for bit, octal := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if file.Mode&bit != 0 {
			mode |= octal
		}
	}
	return mode
}
