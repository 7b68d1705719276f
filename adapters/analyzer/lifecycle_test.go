package analyzer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/lab"
)

// A layer that was seen is neither fetched nor unpacked again: the registry
// refuses to serve it a second time, also after a restart of the worker.
func TestSeenLayersAreNotFetchedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	base := lab.Debian(lab.Bookworm()...)
	first, err := b.Analyze(t.Context(), b.push(t, build(t, base)))
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layersOf(t, build(t, base)) {
		b.registry.Fail(lab.Fault{Path: "/blobs/" + layer.Digest.String(), Status: http.StatusGone})
	}
	newer := build(t, base, lab.Node("/app", lab.NodeModule{Name: "lodash", Version: "4.17.21"}))
	top := layersOf(t, newer)[1]
	for _, restart := range []bool{false, true} {
		if restart {
			b.open(t, analyzer.Options{})
		}
		second, err := b.Analyze(t.Context(), b.push(t, newer))
		if err != nil {
			t.Fatal(err)
		}
		want := top.Size
		if restart {
			want = 0
		}
		if got, min := second.Usage.Fetched, len(first.Inventory.Packages); got != want || len(second.Inventory.Packages) <= min {
			t.Errorf("fetched %d bytes for %d packages, want %d bytes for more than %d", got, len(second.Inventory.Packages), want, min)
		}
	}
}

func layersOf(t testing.TB, built v1.Image) []v1.Descriptor {
	t.Helper()
	manifest, err := built.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Layers
}

func TestBrokenTransferIsNotKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	built := build(t, lab.Debian(lab.Bookworm()...))
	lift := b.registry.Fail(lab.Fault{Path: layersOf(t, built)[0].Digest.String(), CutAfter: 100})
	if _, err := b.Analyze(t.Context(), b.push(t, built)); err == nil || errors.Is(err, errkind.Invalid) {
		t.Errorf("error = %v, want one that is worth another try", err)
	}
	lift()
	if _, err := b.Analyze(t.Context(), b.push(t, built)); err != nil {
		t.Errorf("second try: %v", err)
	}
}

// The tests below look for the child among this process's children, so they do
// not run beside others.

func TestCancelEndsTheChild(t *testing.T) {
	b := newBench(t, analyzer.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request := b.push(t, nestedJars(t))
	var pid int
	request.Progress = atCataloging(func() { pid = child(t); cancel() })
	if _, err := b.Analyze(ctx, request); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if pid == 0 || syscall.Kill(pid, 0) == nil {
		t.Errorf("child %d lives on", pid)
	}
	if left := b.leftovers(t); len(left) > 0 {
		t.Errorf("left in the scratch space: %v", left)
	}
}

func TestKilledChildGivesNoResult(t *testing.T) {
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, build(t, lab.Debian(lab.Bookworm()...)))
	request.Progress = atCataloging(func() {
		if err := syscall.Kill(child(t), syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	})
	result, err := b.Analyze(t.Context(), request)
	if !errors.Is(err, errkind.Unavailable) || result.SBOM != nil {
		t.Errorf("error = %v, %d bytes of SBOM; want errkind.Unavailable and nothing", err, len(result.SBOM))
	}
	if left := b.leftovers(t); len(left) > 0 {
		t.Errorf("left in the scratch space: %v", left)
	}
	request.Progress = nil
	if _, err := b.Analyze(t.Context(), request); err != nil {
		t.Errorf("second try: %v", err)
	}
}

// Several analyses at once share layers and finish.
func TestAnalysesAtOnce(t *testing.T) {
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, build(t, lab.Debian(lab.Bookworm()...)))
	var analyses sync.WaitGroup
	fetched := make([]int64, 3)
	for i := range fetched {
		analyses.Go(func() {
			result, err := b.Analyze(t.Context(), request)
			if err != nil {
				t.Error(err)
			}
			fetched[i] = result.Usage.Fetched
		})
	}
	analyses.Wait()
	if slices.Sort(fetched); fetched[0] != 0 || fetched[1] != 0 || fetched[2] == 0 {
		t.Errorf("fetched %v bytes, want the layer once", fetched)
	}
}

// atCataloging calls do once, when the child reads the image.
func atCataloging(do func()) func(analyzer.Progress) {
	var once sync.Once
	return func(p analyzer.Progress) {
		if p.Stage == "cataloging packages" {
			once.Do(do)
		}
	}
}

// child is the one child of this process.
func child(t *testing.T) int {
	t.Helper()
	pid := childOf(os.Getpid())
	if pid == 0 {
		t.Error("no child")
	}
	return pid
}

// childOf is a child of a process; 0 if it has none.
func childOf(parent int) int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent)) // the pattern is good
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread may be gone
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				return pid
			}
		}
	}
	return 0
}
