package analyzer_test

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/lab"
)

// What looks dangerous and is not must not be refused.
func TestHarmlessOdditiesAreAnalyzed(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	odd := raw(t, slices.Values(slices.Concat([]entry{
		file("../../escape", "x"),
		file("/absolute", "x"),
		link("loop", "loop"), link("here", "there"), link("there", "/here"),
		link("outside", "/proc/self/environ"), link("up", "../../../../etc"),
		{Header: tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "../../../etc/shadow"}},
		{Header: tar.Header{Name: "device", Typeflag: tar.TypeBlock, Devmajor: 8}},
		{Header: tar.Header{Name: "pipe", Typeflag: tar.TypeFifo}},
		file("twice", "one"), file("twice", "two"),
		file(".wh.", ""), file("dir/.wh..wh..opq", ""),
		file("bin/junk", "\x7fELF"+strings.Repeat("\xff", 5000)),
		file("deep/package.json", strings.Repeat(`{"a":`, 1_000_000)),
	}, chain(3000), fanOut(100))))
	result, err := b.Analyze(t.Context(), b.push(t, odd))
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]uint32{}
	for _, each := range result.Inventory.Files {
		paths[each.Path] = each.Mode
	}
	for _, path := range []string{"/escape", "/absolute", "/loop", "/here", "/outside", "/up", "/hard", "/device", "/pipe", "/twice", "/chain/2999", "/fan/99"} {
		if paths[path] == 0 {
			t.Errorf("no %s among %d files", path, len(paths))
		}
	}
	if left := b.leftovers(t); len(left) > 0 {
		t.Errorf("left in the scratch space: %v", left)
	}
}

// chain are links each of which points to the next.
func chain(n int) (links []entry) {
	for i := range n {
		links = append(links, link(fmt.Sprintf("chain/%d", i), fmt.Sprint(i+1)))
	}
	return links
}

// fanOut are links to the folder that they are in: every path below it has
// countless others.
func fanOut(n int) (links []entry) {
	for i := range n {
		links = append(links, link(fmt.Sprintf("fan/%d", i), "."))
	}
	return links
}

func link(name, target string) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777}}
}

// While an image keeps its child busy, others are analyzed.
func TestOthersAreServedBesideAHostileImage(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hostile, busy, ended := b.push(t, nestedJars(t)), make(chan struct{}), make(chan error)
	hostile.Progress = atCataloging(func() { close(busy) })
	go func() {
		_, err := b.Analyze(ctx, hostile)
		ended <- err
	}()
	<-busy
	result, err := b.Analyze(t.Context(), b.push(t, build(t, lab.Debian(lab.Bookworm()...))))
	if err != nil || len(result.Inventory.Packages) == 0 {
		t.Errorf("the other image: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the hostile image ended by itself: %v", err)
	}
	if left := b.leftovers(t); len(left) > 0 {
		t.Errorf("left in the scratch space: %v", left)
	}
}
