package layers

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

var generous = Limits{LayerBytes: 1 << 20, ImageBytes: 1 << 20, Entries: 100, PathLength: 4096, PathDepth: 256}

// bench is a store with its folders, and what one layer needs.
type bench struct {
	*Store
	root string
	n    atomic.Int64
}

func newBench(t *testing.T, bounds Bounds) *bench {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{"scratch", "images"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	store, err := New(filepath.Join(root, "layers"), filepath.Join(root, "scratch"), bounds)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{Store: store, root: root}
}

// take links a layer and returns its archive's name.
func (b *bench) take(t *testing.T, content []byte, open Open, limits Limits) (string, Facts, bool, error) {
	path := filepath.Join(b.root, "images", fmt.Sprint(b.n.Add(1)))
	facts, fetched, err := b.Link(t.Context(), layerOf(content), NewSizeLimit(limits), open, path)
	return path, facts, fetched, err
}

func layerOf(content []byte) Layer {
	unpacked := content
	if reader, err := decompress(bufio.NewReader(bytes.NewReader(content))); err == nil {
		if whole, err := io.ReadAll(reader); err == nil {
			unpacked = whole
		}
	}
	return Layer{Digest: image.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(content))), Size: int64(len(content)),
		DiffID: fmt.Sprintf("sha256:%x", sha256.Sum256(unpacked))}
}

func serve(content []byte) Open {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
}

func refuse(context.Context) (io.ReadCloser, error) {
	return nil, fmt.Errorf("asked again: %w", errkind.Unauthorized)
}

// archive makes an archive with a file for each name.
func archive(t *testing.T, files map[string]int) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for name, size := range files {
		header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(size)}
		if err := errors.Join(writer.WriteHeader(header), write(writer, make([]byte, size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func write(w io.Writer, content []byte) error {
	_, err := w.Write(content)
	return err
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	if err := errors.Join(write(writer, content), writer.Close()); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func zstded(t *testing.T, content []byte) []byte {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return encoder.EncodeAll(content, nil)
}

func TestLayerIsFetchedOnceInEachCompression(t *testing.T) {
	t.Parallel()
	plain := archive(t, map[string]int{"etc/passwd": 100, "bin/sh": 3000})
	for name, content := range map[string][]byte{"plain": plain, "gzip": gzipped(t, plain), "zstd": zstded(t, plain)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newBench(t, Bounds{Bytes: 1 << 20, Age: time.Hour})
			want := Facts{DiffID: fmt.Sprintf("sha256:%x", sha256.Sum256(plain)), Size: int64(len(plain)), Entries: 2}
			for round, open := range []Open{serve(content), refuse} {
				path, facts, fetched, err := store.take(t, content, open, generous)
				if err != nil || facts != want || fetched != (round == 0) {
					t.Fatalf("round %d: %+v, fetched %t, %v; want %+v", round, facts, fetched, err, want)
				}
				if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, plain) {
					t.Errorf("round %d: %d bytes, %v; want the archive", round, len(got), err)
				}
			}
		})
	}
}

func TestRefusedLayersLeaveNothing(t *testing.T) {
	t.Parallel()
	good := gzipped(t, archive(t, map[string]int{"a": 10}))
	tight := func(change func(*Limits)) Limits {
		limits := generous
		change(&limits)
		return limits
	}
	files := gzipped(t, many(t, 50))
	zeros := gzipped(t, archive(t, map[string]int{"zeros": 900 << 10}))
	for _, test := range []struct {
		name            string
		claimed, served []byte
		limits          Limits
		want            error
		says            string
	}{
		{"other content", good, append([]byte(nil), zeros[:len(good)]...), generous, errkind.Unavailable, "digest"},
		{"other digest", append(bytes.Clone(good[:len(good)-1]), 1), good, generous, errkind.Unavailable, "digest"},
		{"web page", good, []byte("<html>"), generous, errkind.Unavailable, "sent only"},
		{"long web page", good, []byte(strings.Repeat("<html>", 1000)), generous, errkind.Unavailable, "digest"},
		{"longer", good, append(bytes.Clone(good), good...), generous, errkind.Unavailable, "digest"},
		{"too large archive of another digest", append(bytes.Clone(zeros[:len(zeros)-1]), 1), zeros, tight(func(l *Limits) { l.LayerBytes = 64 << 10 }), errkind.Unavailable, "digest"},
		{"too many files of another digest", append(bytes.Clone(files), 1), append(bytes.Clone(files), 2), tight(func(l *Limits) { l.Entries = 49 }), errkind.Unavailable, "digest"},
		{"truncated", good, good[:len(good)/2], generous, errkind.Unavailable, "sent only"},
		{"empty", good, nil, generous, errkind.Unavailable, "sent only"},
		{"no archive", []byte(strings.Repeat("x", 600)), []byte(strings.Repeat("x", 600)), generous, errkind.Invalid, "broken"},
		{"layer too large", zeros, zeros, tight(func(l *Limits) { l.LayerBytes = 64 << 10 }), errkind.Limit, "64 KiB"},
		{"image too large", zeros, zeros, tight(func(l *Limits) { l.ImageBytes = 64 << 10 }), errkind.Limit, "64 KiB"},
		{"too many files", files, files, tight(func(l *Limits) { l.Entries = 49 }), errkind.Limit, "49 files"},
		{"long path", longPath(t), longPath(t), tight(func(l *Limits) { l.PathLength = 500 }), errkind.Limit, "the limit is 500"},
		{"deep path", longPath(t), longPath(t), tight(func(l *Limits) { l.PathDepth = 5 }), errkind.Limit, "folders deep"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := newBench(t, Bounds{Bytes: 1 << 20, Age: time.Hour})
			_, _, _, err := store.take(t, test.claimed, serve(test.served), test.limits)
			if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("error = %v, want %v that says %q", err, test.want, test.says)
			}
			for _, folder := range []string{"scratch", "layers", "images"} {
				if left, _ := os.ReadDir(filepath.Join(store.root, folder)); len(left) > 0 {
					t.Errorf("left in %s: %v", folder, left)
				}
			}
		})
	}
}

func many(t *testing.T, n int) []byte {
	files := map[string]int{}
	for i := range n {
		files[fmt.Sprintf("f%d", i)] = 0
	}
	return archive(t, files)
}

func longPath(t *testing.T) []byte {
	return archive(t, map[string]int{strings.Repeat("d/", 400) + "f": 0})
}

func TestStoredLayersCountAgainstTheImage(t *testing.T) {
	t.Parallel()
	store, content := newBench(t, Bounds{Bytes: 1 << 20, Age: time.Hour}), gzipped(t, archive(t, map[string]int{"a": 300 << 10}))
	if _, _, _, err := store.take(t, content, serve(content), generous); err != nil {
		t.Fatal(err)
	}
	limits := generous
	limits.ImageBytes = 100 << 10
	if _, _, _, err := store.take(t, content, refuse, limits); !errors.Is(err, errkind.Limit) {
		t.Errorf("error = %v, want errkind.Limit", err)
	}
}

func TestManyTakersFetchOnce(t *testing.T) {
	t.Parallel()
	store, content := newBench(t, Bounds{Bytes: 1 << 20, Age: time.Hour}), gzipped(t, archive(t, map[string]int{"a": 10}))
	var fetches atomic.Int64
	open := func(ctx context.Context) (io.ReadCloser, error) { fetches.Add(1); return serve(content)(ctx) }
	var takers sync.WaitGroup
	for range 20 {
		takers.Go(func() {
			if _, _, _, err := store.take(t, content, open, generous); err != nil {
				t.Error(err)
			}
		})
	}
	takers.Wait()
	if fetches.Load() != 1 {
		t.Errorf("%d fetches, want 1", fetches.Load())
	}
}

func TestDamagedLayerIsFetchedAnew(t *testing.T) {
	t.Parallel()
	store, content := newBench(t, Bounds{Bytes: 1 << 20, Age: time.Hour}), gzipped(t, archive(t, map[string]int{"a": 10}))
	path, _, _, err := store.take(t, content, serve(content), generous)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1); err != nil { // the same file as the store's
		t.Fatal(err)
	}
	if _, _, fetched, err := store.take(t, content, serve(content), generous); err != nil || !fetched {
		t.Errorf("fetched %t, %v; want it fetched anew", fetched, err)
	}
}

func TestWaitingForALayerCanBeGivenUp(t *testing.T) {
	t.Parallel()
	store, content := newBench(t, Bounds{Bytes: 1 << 20, Age: time.Hour}), gzipped(t, archive(t, map[string]int{"a": 10}))
	started, finish := make(chan struct{}), make(chan struct{})
	slow := func(ctx context.Context) (io.ReadCloser, error) {
		close(started)
		<-finish
		return serve(content)(ctx)
	}
	var first sync.WaitGroup
	first.Go(func() {
		if _, _, _, err := store.take(t, content, slow, generous); err != nil {
			t.Error(err)
		}
	})
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := store.Link(ctx, layerOf(content), NewSizeLimit(generous), refuse, filepath.Join(store.root, "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	close(finish)
	first.Wait()
}

func TestEvictionKeepsTheLatestUsedWithinTheBounds(t *testing.T) {
	t.Parallel()
	contents := [][]byte{}
	for i := range 4 {
		contents = append(contents, archive(t, map[string]int{fmt.Sprint(i): 10_000 - 512}))
	}
	size := int64(len(contents[0]))
	now := time.Now()
	for _, test := range []struct {
		name   string
		bounds Bounds
		want   []int
	}{
		{"all fit", Bounds{Bytes: 4 * size, Age: time.Hour}, []int{0, 1, 2, 3}},
		{"two fit", Bounds{Bytes: 2*size + 1, Age: time.Hour}, []int{2, 3}},
		{"one is young enough", Bounds{Bytes: 4 * size, Age: 90 * time.Second}, []int{3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := newBench(t, Bounds{Bytes: 1 << 30, Age: time.Hour})
			for i, content := range contents {
				if _, _, _, err := store.take(t, content, serve(content), generous); err != nil {
					t.Fatal(err)
				}
				used := now.Add(time.Duration(i-4) * time.Minute)
				if err := os.Chtimes(store.path(layerOf(content).Digest), used, used); err != nil {
					t.Fatal(err)
				}
			}
			store.bounds = test.bounds
			if err := store.evict(now); err != nil {
				t.Fatal(err)
			}
			var got []int
			for i, content := range contents {
				if _, err := os.Stat(store.path(layerOf(content).Digest)); err == nil {
					got = append(got, i)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("kept %v, want %v", got, test.want)
			}
		})
	}
}
