package analyzer_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// newReadyBench is an analyzer of which one child always waits, after the analysis
// of an image.
func newReadyBench(t *testing.T) (*bench, analyzer.Request) {
	t.Helper()
	b := newBench(t, analyzer.Limits{})
	b.open(t, analyzer.Options{Ready: 1})
	request := b.push(t, build(t, lab.StaticBinary("/app")))
	if _, err := b.Analyze(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	return b, request
}

// The child that waits analyzes the next image as a new one does, and that image only:
// it ends, and another one waits, to which nothing was given.
func TestWaitingChildAnalyzesOneImage(t *testing.T) {
	b, _ := newReadyBench(t)
	waiting := child(t)
	request := b.push(t, build(t, lab.Debian(lab.Bookworm()...)))
	used := 0
	request.Progress = atCataloging(func() { used = child(t) })
	got, err := b.Analyze(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if used != waiting {
		t.Errorf("child %d analyzed the image, want %d, which waited", used, waiting)
	}
	if next := child(t); next == waiting || syscall.Kill(waiting, 0) == nil {
		t.Errorf("child %d goes on after its image, as %d", waiting, next)
	}
	if given, _ := filepath.Glob(filepath.Join(b.directory, "scratch", "*", "child-*", "image")); len(given) > 0 || len(b.leftovers(t)) != 1 {
		t.Errorf("beside the folder of the one that waits: %v", b.leftovers(t))
	}
	request.Progress = nil
	want, err := newBenchOf(t, b).Analyze(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want.SBOM), string(got.SBOM)); diff != "" {
		t.Errorf("SBOM (-new child +child that waited):\n%s", diff)
	}
	if diff := cmp.Diff(want.Inventory, got.Inventory); diff != "" {
		t.Errorf("inventory (-new child +child that waited):\n%s", diff)
	}
}

// newBenchOf is another analyzer, whose children do not wait, with the registry of a bench.
func newBenchOf(t *testing.T, other *bench) *bench {
	t.Helper()
	b := &bench{registry: other.registry, directory: t.TempDir()}
	b.open(t, analyzer.Options{})
	return b
}

// A child that dies while it waits, or while the layers of its image are fetched, is
// replaced.
func TestDeadWaitingChildIsReplaced(t *testing.T) {
	b, request := newReadyBench(t)
	end(t, child(t))
	if _, err := b.Analyze(t.Context(), request); err != nil {
		t.Errorf("after the child died: %v", err)
	}
	waiting := child(t)
	request = b.push(t, build(t, lab.Debian(lab.Bookworm()...)))
	request.Source = beforeLayer{request.Source, func() { end(t, waiting) }}
	if _, err := b.Analyze(t.Context(), request); err != nil {
		t.Errorf("after the child died while layers were fetched: %v", err)
	}
}

// beforeLayer does something before a layer is fetched.
type beforeLayer struct {
	analyzer.Source
	do func()
}

func (s beforeLayer) Layer(ctx context.Context, digest image.Digest) (io.ReadCloser, error) {
	s.do()
	return s.Source.Layer(ctx, digest)
}

// end kills a child and waits for its end.
func end(t *testing.T, pid int) {
	t.Helper()
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(handle)
	if err := unix.PidfdSendSignal(handle, unix.SIGKILL, nil, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}, 10_000); n != 1 {
		t.Fatalf("child %d lives on: %v", pid, err)
	}
}

// An image that cannot be fetched leaves the child to the next one.
func TestUnusedChildWaitsOn(t *testing.T) {
	b, _ := newReadyBench(t)
	waiting := child(t)
	request := b.push(t, build(t, lab.Debian(lab.Bookworm()...)))
	request.Source = documentsOf(t, request.Source)
	lift := b.registry.Fail(lab.Fault{Path: "/blobs/", Status: 500})
	if _, err := b.Analyze(t.Context(), request); err == nil {
		t.Error("an image without its layer is analyzed")
	}
	lift()
	if next := child(t); next != waiting {
		t.Errorf("child %d waits, want still %d", next, waiting)
	}
	if left := b.leftovers(t); len(left) != 1 {
		t.Errorf("beside the folder of the one that waits: %v", left)
	}
}

// documentsOf keeps the documents of an image, which then need not be read.
func documentsOf(t *testing.T, source analyzer.Source) analyzer.Source {
	t.Helper()
	manifest, err := source.Manifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	config, err := source.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return known{source, manifest, config}
}

type known struct {
	analyzer.Source
	manifest, config []byte
}

func (k known) Manifest(context.Context) ([]byte, error) { return k.manifest, nil }
func (k known) Config(context.Context) ([]byte, error)   { return k.config, nil }

// A worker that stops ends the child that waits, before Close returns.
func TestCloseEndsTheWaitingChild(t *testing.T) {
	b := newBench(t, analyzer.Limits{})
	opened, err := analyzer.Open(analyzer.Options{Directory: b.directory, Ready: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Analyze(t.Context(), b.push(t, build(t, lab.StaticBinary("/app")))); err != nil {
		t.Fatal(err)
	}
	waiting := child(t)
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
	if syscall.Kill(waiting, 0) == nil || childOf(os.Getpid()) != 0 {
		t.Errorf("child %d lives on", waiting)
	}
	if left := b.leftovers(t); len(left) > 0 {
		t.Errorf("left in the scratch space: %v", left)
	}
}
