package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestSBOM: an SBOM is answered as it is stored, and not again to who has it.
func TestSBOM(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		known, err := f.store.Summary(t.Context(), f.target(inside))
		f.must(err)
		stored, err := f.store.SBOM(t.Context(), known.Analyzed)
		f.must(err)
		response, got := f.send("web-read", "GET", "/api/v1/tag/sbom?ref="+inside, "")
		if want := strings.TrimRight(string(stored), "\n"); response.StatusCode != http.StatusOK || got != want {
			t.Errorf("%d %s, want %s", response.StatusCode, got, want)
		}
		response, got = f.send("web-read", "GET", "/api/v1/tag/sbom?ref="+inside, "", "If-None-Match", response.Header.Get("ETag"))
		if response.StatusCode != http.StatusNotModified || got != "" {
			t.Errorf("the same again: %d %s", response.StatusCode, got)
		}
	})
}
