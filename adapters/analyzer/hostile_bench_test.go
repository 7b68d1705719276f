package analyzer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/lab"
)

// BenchmarkHostileImages analyzes hostile images in the size in which they do
// harm, within the limits that a worker has by default, but for the processor
// time of those that would take all of it. Meanwhile the same analyzer serves an
// honest image again and again. It fails when an image does not end at the limit
// that is named, or leaves something in the scratch space. The small forms are in
// TestHostileImagesEndWithinTheirLimits.
func BenchmarkHostileImages(b *testing.B) {
	little := analyzer.Limits{CPU: 20 * time.Second}
	for _, hostile := range []struct {
		name   string
		limits analyzer.Limits
		image  func(*testing.B) v1.Image
		says   string // the limit; "" for an image that is analyzed
	}{
		{"12-GiB-of-zeros", analyzer.Limits{}, func(b *testing.B) v1.Image { return large(b, zeroFile("zeros", 12<<30)) }, "file of 12 GiB in a layer that may have 8 GiB"},
		{"3-million-files", analyzer.Limits{}, func(b *testing.B) v1.Image { return large(b, emptyFiles(3_000_000)) }, "more than 1000000 files"},
		{"interpreter-of-3-GiB", little, func(b *testing.B) v1.Image { return large(b, zeroFile("bin/python3.11", 3<<30)) }, "processor limit of 20s"},
		// Near its memory the collector takes what processor there is: either may end it.
		{"400000-packages", analyzer.Limits{CPU: time.Minute}, func(b *testing.B) v1.Image { return large(b, packages(400_000)) }, " limit of 1"},
		{"nested-jars", little, func(b *testing.B) v1.Image { return nestedJars(b) }, "processor limit of 20s"},
		{"jar-with-3-GiB", analyzer.Limits{}, func(b *testing.B) v1.Image { return large(b, jarWithZeros(3<<30)) }, ""},
		{"description-of-195-MB", analyzer.Limits{}, func(b *testing.B) v1.Image { return large(b, description(195_000_000)) }, ""},
	} {
		b.Run(hostile.name, func(b *testing.B) { benchmarkHostile(b, hostile.limits, hostile.image(b), hostile.says) })
	}
}

func benchmarkHostile(b *testing.B, limits analyzer.Limits, image v1.Image, says string) {
	w := newBench(b, limits)
	request, honest := w.push(b, image), w.push(b, build(b, lab.Debian(lab.Bookworm()...)))
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		served := make(chan int)
		go func() { served <- serve(b, ctx, w, honest) }()
		result, err := w.Analyze(b.Context(), request)
		cancel()
		checkEnd(b, result, err, says)
		b.ReportMetric(float64(<-served), "others-served")
		if says == "" {
			b.ReportMetric(float64(result.Usage.PeakMemory>>20), "peak-MiB")
		}
		if left := w.leftovers(b); len(left) > 0 {
			b.Errorf("left in the scratch space: %v", left)
		}
	}
}

// checkEnd takes an image without a limit to name for one that is analyzed.
func checkEnd(b *testing.B, result analyzer.Result, err error, says string) {
	b.Helper()
	switch {
	case says == "":
		if err != nil || result.SBOM == nil {
			b.Errorf("error = %v, want the image analyzed", err)
		}
	case !errors.Is(err, errkind.Limit) || !strings.Contains(err.Error(), says):
		b.Errorf("error = %v, want errkind.Limit that says %q", err, says)
	case result.SBOM != nil || result.Inventory != nil:
		b.Error("a partial result")
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
