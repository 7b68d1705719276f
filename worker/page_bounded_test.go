package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/token"
)

const (
	insideTag  = "ghcr.io/web/shop:1.2"
	outsideTag = "docker.io/library/nginx:1.27"
	// nobodyTag is watched by nobody: what is outside has to look like it.
	nobodyTag = "docker.io/library/nobody:1.2"
)

// boundedPage serves the page of a store with a tag within a token's bounds and one
// outside of them.
func boundedPage(t *testing.T) (keeper *store.Store, get func(path string) (int, string)) {
	t.Helper()
	keeper = storetest.Open(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().UTC().Truncate(time.Second)
	must(keeper.SaveEndpoint(t.Context(), endpoint.Endpoint{Name: "ops", URL: "https://receiver.example.com/"}, now))
	for _, name := range []string{insideTag, outsideTag} {
		target, err := image.ParseTarget(name)
		must(err)
		must(storetest.Seeding{Store: keeper, Now: now.Add(-time.Hour), Target: target}.Watch(t.Context(), policy.Default()))
		must(keeper.SaveRepository(t.Context(), taglist.Repository{Name: target.Reference.Repository}, now))
	}
	made, text, err := token.New("web", token.Read, token.Bounds{"ghcr.io/web/*"}, now.Add(-time.Hour), time.Time{})
	must(err)
	must(keeper.SaveToken(t.Context(), made))
	served, err := newPage(config.Worker{Listen: "0.0.0.0:8234"}, keeper, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	must(err)
	server := httptest.NewServer(routes(&readiness{}, &meters{registry: prometheus.NewRegistry()}, served))
	t.Cleanup(server.Close)
	return keeper, func(path string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		must(err)
		request.Header.Set("Authorization", "Bearer "+text)
		answer, err := http.DefaultClient.Do(request)
		must(err)
		defer answer.Body.Close()
		content, err := io.ReadAll(answer.Body)
		must(err)
		return answer.StatusCode, strings.ReplaceAll(string(content), "<wbr>", "")
	}
}

// TestPageWithinBounds: a token that is limited to some tags sees these on every page, and
// nothing of others.
func TestPageWithinBounds(t *testing.T) {
	t.Parallel()
	keeper, get := boundedPage(t)
	notified := func(subject string) string {
		found, err := keeper.Deliveries(t.Context(), store.DeliveryFilter{Subject: subject})
		if err != nil || len(found) == 0 {
			t.Fatalf("%d deliveries, %v", len(found), err)
		}
		return found[0].Notification
	}
	hidden := []string{"nginx", notified(outsideTag)}
	for path, test := range map[string]struct {
		status int
		says   string
	}{
		"/":                             {200, "1 of 1 tag"},
		"/?order=severity":              {200, "1 of 1 tag"},
		"/?order=change":                {200, "1 of 1 tag"},
		"/?q=library":                   {200, "No tag matches"},
		"/?registry=docker.io":          {200, "No tag matches"},
		"/?failing=1":                   {200, ""},
		"/?uncovered=1":                 {200, ""},
		"/tag?name=" + insideTag:        {200, insideTag},
		"/tag/policy?name=" + insideTag: {200, insideTag},
		"/tag/vulnerabilities.csv?name=" + insideTag:  {200, "severity,id"},
		"/tag/vulnerabilities.json?name=" + insideTag: {200, insideTag},
		"/badge/" + insideTag + ".svg":                {200, "<svg"},
		"/notifications":                              {200, insideTag},
		"/notification?id=" + notified(insideTag):     {200, insideTag},
		"/deliveries":                      {200, insideTag},
		"/repositories":                    {200, "ghcr.io/web/shop"},
		"/audit":                           {200, ""},
		"/feed":                            {200, ""},
		"/search?q=CVE-2026-0001":          {200, ""},
		"/search?q=openssl":                {200, ""},
		"/search?q=pkg:deb/debian/openssl": {200, ""},
		"/endpoints":                       {403, "limited to some tags"},
		"/registries":                      {403, "limited to some tags"},
		"/sources":                         {403, "limited to some tags"},
		"/source?name=shop":                {403, "limited to some tags"},
		"/policies":                        {403, "limited to some tags"},
		"/policy?id=default":               {403, "limited to some tags"},
		"/policy.json?id=default":          {403, "limited to some tags"},
	} {
		status, text := get(path)
		if status != test.status || !strings.Contains(text, test.says) {
			t.Errorf("%s: %d, want %d with %q:\n%s", path, status, test.status, test.says, text)
		}
		for _, name := range hidden {
			if strings.Contains(text, name) {
				t.Errorf("%s shows %s:\n%s", path, name, text)
			}
		}
	}
	if _, text := get("/"); !regexp.MustCompile(`<dt>Tags</dt><dd><a href="/">1</a>`).MatchString(text) || strings.Contains(text, `href="/endpoints"`) {
		t.Errorf("counts and links of the first page:\n%s", text)
	}
	if _, text := get("/search?q=openssl"); strings.Count(text, insideTag) == 0 {
		t.Errorf("the search finds nothing of its own:\n%s", text)
	}
}

// TestPageHidesAsNothing: a request about a tag outside of the bounds is answered as one
// about a tag that nobody watches.
func TestPageHidesAsNothing(t *testing.T) {
	t.Parallel()
	keeper, get := boundedPage(t)
	found, err := keeper.Deliveries(t.Context(), store.DeliveryFilter{Subject: outsideTag})
	if err != nil || len(found) == 0 {
		t.Fatalf("%d deliveries, %v", len(found), err)
	}
	outside := map[string]string{outsideTag: nobodyTag, "docker.io/library/nginx": "docker.io/library/nobody", found[0].Notification: found[0].Notification + "0"}
	for _, format := range []string{"/tag?name=%s", "/tag/policy?name=%s", "/tag/vulnerabilities.csv?name=%s", "/tag/vulnerabilities.json?name=%s", "/tag/sbom.json?name=%s", "/badge/%s.svg",
		"/?after=%s", "/?before=%s", "/?order=severity&after=%s", "/?order=change&before=%s", "/?q=%s", "/?repository=%s", "/?source=%s",
		"/notifications?subject=%s", "/audit?subject=%s", "/repositories?after=%s", "/search?q=%s", "/notification?id=%s", "/deliveries?endpoint=%s"} {
		for name, other := range outside {
			gotStatus, got := get(fmt.Sprintf(format, name))
			wantStatus, want := get(fmt.Sprintf(format, other))
			if gotStatus != wantStatus || anonymous(got, name) != anonymous(want, other) {
				t.Errorf("%s differs for %s (%d) and %s (%d):\n%s\n%s", format, name, gotStatus, other, wantStatus, got, want)
			}
		}
	}
	if _, text := get(fmt.Sprintf("/deliveries?before=%d", found[0].ID)); strings.Contains(text, insideTag) {
		t.Errorf("a page behind a delivery that is outside:\n%s", text)
	}
}

// anonymous is a text without a name, however it is written in it.
func anonymous(text, name string) string {
	escaped := url.QueryEscape(name)
	return strings.NewReplacer(name, "NAME", escaped, "NAME").Replace(text)
}
