package analyzer_test

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// large is an image of one layer that is written to a file, since it may be larger
// than memory.
func large(b testing.TB, fill func(*tar.Writer) error) v1.Image {
	b.Helper()
	open := func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		go func() {
			entries := tar.NewWriter(writer)
			writer.CloseWithError(errors.Join(fill(entries), entries.Close()))
		}()
		return reader, nil
	}
	layer, err := tarball.LayerFromOpener(open, tarball.WithCompressedCaching, tarball.WithCompression(compression.GZip))
	if err != nil {
		b.Fatal(err)
	}
	return withLayer(b, empty.Image, layer)
}

func zeroFile(name string, size int64) func(*tar.Writer) error {
	return func(w *tar.Writer) error {
		err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: size})
		if err != nil {
			return err
		}
		_, err = io.CopyN(w, zeros{}, size)
		return err
	}
}

func emptyFiles(n int) func(*tar.Writer) error {
	return func(w *tar.Writer) error {
		for i := range n {
			if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("files/%d", i), Typeflag: tar.TypeReg, Mode: 0o644}); err != nil {
				return err
			}
		}
		return nil
	}
}

func text(name string, content func(io.Writer) error) func(*tar.Writer) error {
	return func(w *tar.Writer) error {
		file, err := os.CreateTemp("", "content-*")
		if err != nil {
			return err
		}
		defer os.Remove(file.Name())
		defer file.Close()
		if err := content(file); err != nil {
			return err
		}
		size, err := file.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: size}); err != nil {
			return err
		}
		_, err = io.Copy(w, file)
		return err
	}
}

func packages(n int) func(*tar.Writer) error {
	return text("var/lib/dpkg/status", func(w io.Writer) error {
		for i := range n {
			if _, err := fmt.Fprintf(w, "Package: p%d\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.%d\n\n", i, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// jarWithZeros has a jar as a member, next to its manifest, that unpacks to size
// bytes of zeros.
func jarWithZeros(size int64) func(*tar.Writer) error {
	return text("app.jar", func(w io.Writer) error {
		archive := zip.NewWriter(w)
		manifest, err := archive.Create("META-INF/MANIFEST.MF")
		if err != nil {
			return err
		}
		if _, err := io.WriteString(manifest, "Manifest-Version: 1.0\nImplementation-Title: app\nImplementation-Version: 1.0\n\n"); err != nil {
			return err
		}
		member, err := archive.Create("inner.jar")
		if err != nil {
			return err
		}
		_, err = io.CopyN(member, zeros{}, size)
		return errors.Join(err, archive.Close())
	})
}

// description is a package's description of size bytes, most of them one string.
func description(size int) func(*tar.Writer) error {
	return text("node_modules/large/package.json", func(w io.Writer) error {
		_, err := io.WriteString(w, `{"name": "large", "version": "1.0.0", "description": "`+strings.Repeat("x", size)+`"}`)
		return err
	})
}
