package analyzer_test

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/lab"
)

// BenchmarkHostileImages analyzes hostile images in the size in which they do
// harm, within the limits that a worker has by default, but for the time: a minute
// of processor and of wall time. Meanwhile the same analyzer serves an honest
// image again and again. It fails when an image does not end at a limit,
// or leaves something in the scratch space.
func BenchmarkHostileImages(b *testing.B) {
	for _, hostile := range []struct {
		name  string
		image func(*testing.B) v1.Image
	}{
		{"12-GiB-of-zeros", func(b *testing.B) v1.Image { return large(b, zeroFile("zeros", 12<<30)) }},
		{"3-million-files", func(b *testing.B) v1.Image { return large(b, emptyFiles(3_000_000)) }},
		{"interpreter-of-3-GiB", func(b *testing.B) v1.Image { return large(b, zeroFile("bin/python3.11", 3<<30)) }},
		{"400000-packages", func(b *testing.B) v1.Image { return large(b, packages(400_000)) }},
		{"nested-jars", func(b *testing.B) v1.Image { return nestedJars(b) }},
	} {
		b.Run(hostile.name, func(b *testing.B) { benchmarkHostile(b, hostile.image(b)) })
	}
}

func benchmarkHostile(b *testing.B, image v1.Image) {
	w := newBench(b, analyzer.Limits{CPU: time.Minute, Wall: time.Minute})
	request, honest := w.push(b, image), w.push(b, build(b, lab.Debian(lab.Bookworm()...)))
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		served := make(chan int)
		go func() { served <- serve(b, ctx, w, honest) }()
		_, err := w.Analyze(b.Context(), request)
		cancel()
		if !errors.Is(err, fault.Limit) {
			b.Errorf("error = %v, want fault.Limit", err)
		}
		b.ReportMetric(float64(<-served), "others-served")
		if left, _ := filepath.Glob(filepath.Join(w.directory, "scratch", "*", "*")); len(left) > 0 {
			b.Errorf("left in the scratch space: %v", left)
		}
	}
}

// serve analyzes an image until ctx ends, and at least once, and returns how
// often it did.
func serve(b *testing.B, ctx context.Context, w *bench, request analyzer.Request) (times int) {
	for times == 0 || ctx.Err() == nil {
		result, err := w.Analyze(b.Context(), request)
		if err != nil || len(result.Inventory.Packages) == 0 {
			b.Errorf("the honest image: %v", err)
			return times
		}
		times++
	}
	return times
}

// large is an image of one layer that is written to a file, since it may be larger
// than memory.
func large(b *testing.B, fill func(*tar.Writer) error) v1.Image {
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
