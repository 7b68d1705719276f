package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// TestSearch opens the site from the file system and searches in it.
func TestSearch(t *testing.T) {
	t.Parallel()
	out := built(t)
	for query, want := range map[string]string{
		"--feed-url":               "settings.html#vulnerability-data",
		"endpoint import-anchore":  "webhooks.html#coming-from-anchore-engine",
		"DATA BUILD":               "concepts.html#vulnerabilities",
		"<notification_type>":      "webhooks.html#fewer-messages",
		"wörter die es nicht gibt": "",
	} {
		page := browse(t, "file://"+out+"/metrics.html?q="+url.QueryEscape(query))
		var results *html.Node
		for _, n := range elements(page, "section") {
			results = n
		}
		links := elements(results, "a")
		var found []string
		for _, link := range links {
			found = append(found, attribute(link, "href"))
		}
		if want == "" && len(found) > 0 || want != "" && !strings.Contains(strings.Join(found, " ")+" ", want+" ") {
			t.Errorf("%q finds %q, want %q", query, found, want)
		}
		if len(elements(results, "p")) == 0 {
			t.Errorf("%q: the page does not say how much it found", query)
		}
	}
}

// measure is a page with all pages in frames as wide as a phone. It shows for each how
// wide its content is, how wide it may be, and the color of its background.
const measure = `<!doctype html>%s<script>
addEventListener("load", () => {
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, shown = document.createElement("p");
    shown.textContent = [frame.id, page.documentElement.scrollWidth, page.documentElement.clientWidth, getComputedStyle(page.body).backgroundColor].join(" ");
    document.body.append(shown);
  }
});
</script>`

// TestOnPhone: no page is wider than a phone, and colors follow the preference of the
// browser.
func TestOnPhone(t *testing.T) {
	t.Parallel()
	out := built(t)
	var frames strings.Builder
	pages := pagesOf(t, out)
	for file := range pages {
		fmt.Fprintf(&frames, `<iframe id="%s" src="%s" width="390" height="800" style="border:0"></iframe>`, file, file)
	}
	if err := write(filepath.Join(out, "measure.html"), fmt.Appendf(nil, measure, frames.String())); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(out)))
	t.Cleanup(server.Close)
	for scheme, background := range map[string]string{"1": "rgb(255, 255, 255)", "0": "rgb(13, 17, 23)"} {
		measured := elements(browse(t, server.URL+"/measure.html", "--blink-settings=preferredColorScheme="+scheme), "p")
		if len(measured) != len(pages) {
			t.Errorf("scheme %s: %d pages measured of %d", scheme, len(measured), len(pages))
		}
		for _, n := range measured {
			words := strings.SplitN(n.FirstChild.Data, " ", 4)
			if words[1] != words[2] || words[3] != background {
				t.Errorf("scheme %s: %s, want a page that is as wide as its frame, on %s", scheme, n.FirstChild.Data, background)
			}
		}
	}
}

// browse is the document that a browser makes of an address.
func browse(t *testing.T, address string, options ...string) *html.Node {
	t.Helper()
	browser := os.Getenv("TAGWATCH_TEST_CHROMIUM")
	if browser == "" {
		t.Skip("TAGWATCH_TEST_CHROMIUM names no browser")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	arguments := append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir=" + filepath.Join(t.TempDir(), "profile"),
		"--virtual-time-budget=10000", "--dump-dom"}, options...)
	cmd := exec.CommandContext(ctx, browser, append(arguments, address)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	document, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	parsed, err := html.Parse(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
