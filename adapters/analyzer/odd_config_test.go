package analyzer_test

import (
	"errors"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/lab"
)

// A configuration with odd fields, under a media type that says nothing, is that
// of an image all the same.
func TestImageWithAnOddConfiguration(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	odd, err := lab.Rewrite(build(t, lab.Debian(lab.Bookworm()...)), "application/octet-stream", func(fields map[string]any) {
		fields["created"], fields["author"], fields["history"], fields["config"] = "0000-00-00T00:00:00Z", 7, nil, map[string]any{"Env": "A=1"}
	})
	if err != nil {
		t.Fatal(err)
	}
	result, err := b.Analyze(t.Context(), b.push(t, odd))
	if err != nil || len(result.Inventory.Packages) == 0 || result.Inventory.OS != "linux" || !result.Inventory.Created.IsZero() {
		t.Errorf("analysis %+v, %v", result.Inventory, err)
	}
}

// A layer that is cut short on the way is fetched again by the next try.
func TestLayerThatDoesNotFitItsDigest(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	built := build(t, lab.Debian(lab.Bookworm()...))
	b.registry.Fail(lab.Fault{Path: layersOf(t, built)[0].Digest.String(), Times: 1, Replace: func(body []byte) []byte { return body[:len(body)/2] }})
	if _, err := b.Analyze(t.Context(), b.push(t, built)); !errors.Is(err, errkind.Unavailable) || errkind.Permanent(err) {
		t.Errorf("error = %v, want errkind.Unavailable", err)
	}
	if _, err := b.Analyze(t.Context(), b.push(t, built)); err != nil {
		t.Errorf("the next try: %v", err)
	}
}
