package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/page"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// crowded is of a tag with 600 vulnerabilities, 100 of each severity, and 280 findings of
// the policies.
func crowded(t testing.TB) watch.State {
	t.Helper()
	crowded := state(t)
	crowded.Vulnerabilities, crowded.Counts = nil, vuln.Counts{}
	for n := range 600 {
		f := vuln.Finding{ID: fmt.Sprintf("CVE-2026-%d", 10_000+n), Package: vuln.Package{Name: fmt.Sprintf("lib-%d%s", n, hostile), Version: "1.2.3-4+deb12u" + strconv.Itoa(n), Type: "deb"},
			Severity: vuln.Severities[n%6], URL: "https://security.example.com/" + strconv.Itoa(n), KnownExploited: n%30 == 4,
			Description: strings.Repeat("A description that says a lot. "+hostile, 50), Fix: vuln.Fix{State: vuln.FixNone}}
		if n%4 == 0 {
			f.Fix = vuln.Fix{State: vuln.FixKnown, Versions: []string{"1.2.4", "1.3.1", "2.0.0", "2.1.0", "3.0.0", "4.0.0"}}
		}
		if n%20 == 0 || n%100 == 5 {
			f.Accepted = &vuln.Accepted{ID: 1, Reason: "not reachable", Owner: "web team", Until: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
		}
		crowded.Vulnerabilities = append(crowded.Vulnerabilities, f)
		crowded.Counts.Add(f.Severity)
	}
	evaluation := policy.Evaluation{ImageID: "abc", Reference: target(t, "registry.example.com/shop/api:many").Reference, Status: policy.Fail, FinalAction: policy.Stop}
	for n := range 280 {
		evaluation.Rows = append(evaluation.Rows, policy.Row{TriggerID: strconv.Itoa(n), Gate: "vulnerabilities", Trigger: "package", Action: []policy.Action{policy.Stop, policy.Warn, policy.Go}[n%3],
			Message: fmt.Sprintf("CRITICAL Vulnerability found in os package type (dpkg) - lib-%d (fixed in: 1.2.4)(CVE-2026-%d - https://security.example.com/%d) %s", n, 10_000+n, n, hostile)})
	}
	document, err := policy.Document(evaluation, nil, "admin")
	if err != nil {
		t.Fatal(err)
	}
	crowded.Evaluation = &watch.Evaluation{Status: policy.Fail, FinalAction: policy.Stop, Document: document}
	return crowded
}

func (c *content) Summary(_ context.Context, target image.Target) (watch.Summary, error) {
	if target.Reference.Path != "shop/api" {
		return watch.Summary{}, errkind.NotFound
	}
	return state(c.t).Summarize(target), c.fails
}

func (c *content) Scores(_ context.Context, keys []string) (map[string]vuln.Score, error) {
	scores := map[string]vuln.Score{}
	for n, key := range keys {
		if n%2 == 0 {
			scores[key] = vuln.Score{CVE: key, Probability: 0.125, Percentile: 0.9}
		}
	}
	return scores, c.fails
}

func (c *content) SBOM(context.Context, image.Digest) ([]byte, error) {
	return []byte(`{"artifacts": []}`), c.fails
}

// places are 51, by their number.
func (c *content) places(cursor page.Cursor, id string) ([]page.Place, error) {
	first, _ := strconv.Atoi(cursor.After)
	var rows []page.Place
	for n := first; n < min(first+cursor.Limit, 51); n++ {
		rows = append(rows, page.Place{Key: strconv.Itoa(n + 1), Target: target(c.t, fmt.Sprintf("registry.example.com/shop/api:%d", n)), ID: id, Severity: vuln.High, More: n % 2, Older: n == 1,
			RunBy:   []string{"deployment shop/web (app)" + hostile, "deployment shop/api", "daemonset shop/log", "job shop/once"}[:min(n, 4)],
			Digest:  image.Digest("sha256:" + strings.Repeat("c", 64)),
			Package: vuln.Package{Name: "openssl" + hostile, Version: "3" + hostile, Type: "deb"}, Fix: vuln.Fix{State: vuln.FixKnown, Versions: []string{"4" + hostile}}})
	}
	return rows, c.fails
}

func (c *content) FindVulnerability(_ context.Context, id string, cursor page.Cursor) ([]page.Place, error) {
	if id != "CVE-2026-1" {
		return nil, c.fails
	}
	return c.places(cursor, id+hostile)
}

func (c *content) FindPackage(_ context.Context, query page.PackageQuery, cursor page.Cursor) ([]page.Place, error) {
	if query.Name != "openssl" && !strings.Contains(query.Name, "script") {
		return nil, c.fails
	}
	return c.places(cursor, "")
}

func (c *content) DeliveryPage(_ context.Context, filter page.DeliveryFilter) ([]delivery.Delivery, error) {
	last := int64(100)
	if filter.Before > 0 {
		last = filter.Before - 1
	}
	var rows []delivery.Delivery
	for id := last; id > 0 && len(rows) < filter.Limit; id-- {
		rows = append(rows, delivery.Delivery{ID: id, Notification: "id-1", Endpoint: "ops" + hostile, State: delivery.Failed, Created: now.Add(-time.Hour), Attempts: 3,
			Answer: "HTTP 500: " + hostile, Type: notification.VulnUpdate, Subject: "registry.example.com/shop/api:1" + hostile})
	}
	return rows, c.fails
}

func (c *content) RepositoryPage(context.Context, page.Cursor) ([]page.Repository, error) {
	problem := &condition.Problem{Stage: condition.StageList, Message: "tags cannot be listed " + hostile, Since: now.Add(-time.Hour)}
	name := image.Repository{Registry: "registry.example.com", Path: "shop/api"}
	return []page.Repository{{Repository: taglist.Repository{Name: name, Types: []notification.Type{notification.TagUpdate}}, State: taglist.State{Listed: true, ListedTags: []string{"1", "2"}, Problem: problem, Checked: now}, Tags: 1},
		{Repository: taglist.Repository{Name: image.Repository{Registry: "registry.example.com", Path: "shop/web"}}}}, c.fails
}

func (c *content) source() page.Source {
	found := []source.Found{source.Not(source.NoValue, "registry.example.com/a:${TAG}"+hostile, "compose.yaml:3"+hostile, "variable TAG"+hostile),
		{Text: "registry.example.com/shop/api:1", Place: "compose.yaml:4", Target: target(c.t, "registry.example.com/shop/api:1")},
		{Text: "registry.example.com/shop/api:2", Place: "compose.yaml:5", Target: target(c.t, "registry.example.com/shop/api:2")}}
	return page.Source{Source: source.Source{Name: "shop", Kind: source.Compose}, Tags: 2, State: source.State{Listed: true, Found: found, Checked: now,
		Members: []source.Member{{Target: target(c.t, "registry.example.com/shop/api:9"), Missing: 1}},
		Problem: &condition.Problem{Stage: condition.StageList, Message: "it cannot be read " + hostile, Since: now.Add(-time.Hour)}}}
}

func (c *content) SourcePage(context.Context, page.Cursor) ([]page.Source, error) {
	return []page.Source{c.source(), {Source: source.Source{Name: "fresh", Kind: source.File}}}, c.fails
}

func (c *content) SourceByName(_ context.Context, name string) (page.Source, []page.Reference, error) {
	if name != "shop" {
		return page.Source{}, nil, errkind.NotFound
	}
	found := c.source()
	references := make([]page.Reference, len(found.State.Found))
	for i, each := range found.State.Found {
		references[i] = page.Reference{Found: each, Watched: each.Target}
	}
	references[1].Problem = &condition.Problem{Message: "it is gone " + hostile}
	return found, references, c.fails
}

func (c *content) BundlePage(context.Context, page.Cursor) ([]policy.StoredBundle, error) {
	return []policy.StoredBundle{{ID: "shop", Name: "Shop" + hostile, Active: true, Updated: now}, {ID: "other" + hostile}}, c.fails
}

func (c *content) Bundle(_ context.Context, id string) (policy.StoredBundle, error) {
	if id != "shop" {
		return policy.StoredBundle{}, errkind.NotFound
	}
	document, err := policy.Default().MarshalJSON()
	if err != nil {
		c.t.Fatal(err)
	}
	return policy.StoredBundle{ID: "shop", Name: "Shop" + hostile, Active: true, Document: document}, c.fails
}

func (c *content) BundleVersions(context.Context, string) ([]policy.BundleVersion, error) {
	return []policy.BundleVersion{{Number: 1, Note: "first try " + hostile, Saved: now}}, nil
}

func (c *content) Audit(_ context.Context, filter audit.Filter) ([]audit.Entry, error) {
	last := int64(200)
	if filter.Before > 0 {
		last = filter.Before - 1
	}
	after, err := json.Marshal(map[string]string{"url": "https://hooks.example.com", "note": strings.Repeat(hostile, 30)})
	if err != nil {
		c.t.Fatal(err)
	}
	var rows []audit.Entry
	for id := last; id > 0 && len(rows) < filter.Limit; id-- {
		rows = append(rows, audit.Entry{ID: id, At: now.Add(-time.Hour), Actor: audit.Actor{Name: "eva" + hostile, Via: audit.API}, Action: audit.EndpointCreate, Subject: "chat" + hostile, After: after})
	}
	return rows, c.fails
}

// TestDownloads: what a tag has, in files that no program takes for something else.
func TestDownloads(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t}, "")
	tag := "name=registry.example.com/shop/api:many"
	answer, text := r.get("/tag/vulnerabilities.csv?severity=critical&" + tag)
	if rows := strings.Count(text, "\n"); answer.Header.Get("Content-Type") != "text/csv; charset=utf-8" || rows != 101 || !strings.HasPrefix(text, "severity,id,") ||
		answer.Header.Get("Content-Disposition") != `attachment; filename="registry.example.com_shop_api_many.csv"` {
		t.Errorf("%d rows, %v\n%.300s", rows, answer.Header, text)
	}
	var list struct {
		Target          string
		Vulnerabilities []struct {
			ID, Severity string
			EPSS         float64
			Accepted     *struct{ Reason string }
		}
	}
	_, text = r.get("/tag/vulnerabilities.json?accepted=only&" + tag)
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Vulnerabilities) != 36 || list.Vulnerabilities[0].Accepted == nil || list.Vulnerabilities[0].EPSS == 0 {
		t.Errorf("%v %+v", err, list)
	}
	answer, text = r.get("/tag/sbom.json?" + tag)
	if text != `{"artifacts": []}` || answer.Header.Get("Content-Disposition") != `attachment; filename="registry.example.com_shop_api_many.syft.json"` {
		t.Errorf("%v %s", answer.Header, text)
	}
	if answer, text := r.get("/policy.json?id=shop"); answer.StatusCode != 200 || !json.Valid([]byte(text)) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	for _, path := range []string{"/tag/sbom.json", "/tag/vulnerabilities.csv", "/tag/vulnerabilities.json"} {
		if answer, _ := r.get(path + "?name=registry.example.com/none:1"); answer.StatusCode != 404 || answer.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s of a tag that is not watched: %d %v", path, answer.StatusCode, answer.Header)
		}
	}
}

// TestFormulas: a name from an image is not a formula of a spreadsheet.
func TestFormulas(t *testing.T) {
	t.Parallel()
	r := open(t, formulas{&content{t: t}}, "")
	_, text := r.get("/tag/vulnerabilities.csv?name=registry.example.com/shop/api:1")
	if !strings.Contains(text, `,"'=HYPERLINK(""x"")",'+1,'-deb,`) {
		t.Error(text)
	}
}

type formulas struct{ *content }

func (f formulas) View(context.Context, image.Target) (watch.RecordView, error) {
	return watch.RecordView{Watched: true, State: watch.State{Matched: true, Vulnerabilities: []vuln.Finding{
		{ID: "CVE-2026-1", Severity: vuln.High, Package: vuln.Package{Name: `=HYPERLINK("x")`, Version: "+1", Type: "-deb"}}}}}, nil
}

// TestBadge: a small picture without anything active, which may be kept for a while.
func TestBadge(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t}, "")
	for path, says := range map[string]string{"/badge/registry.example.com/shop/api:1.svg": "policy: fail", "/badge/registry.example.com/shop/api:1@linux/arm64.svg?show=counts": "vulnerabilities: 1 critical, 2 high, 0 medium"} {
		answer, text := r.get(path)
		if answer.StatusCode != 200 || !strings.Contains(text, says) || answer.Header.Get("Content-Type") != "image/svg+xml; charset=utf-8" || answer.Header.Get("Cache-Control") != "private, max-age=300" ||
			strings.Contains(text, "href") || strings.Contains(text, "style") || strings.Contains(text, "script") {
			t.Errorf("%s: %d %v\n%s", path, answer.StatusCode, answer.Header, text)
		}
		if again, text := r.get(path, "If-None-Match", answer.Header.Get("ETag")); again.StatusCode != 304 || text != "" {
			t.Errorf("%s, unchanged: %d", path, again.StatusCode)
		}
	}
	if answer, _ := r.get("/badge/registry.example.com/none:1.svg"); answer.StatusCode != 404 || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("not watched: %d %v", answer.StatusCode, answer.Header)
	}
}

// TestSizes: whatever the content, a page has at most 200 KB.
func TestSizes(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, tags: 120}, "")
	for _, path := range paths {
		if _, text := r.get(path); len(text) > 200_000 {
			t.Errorf("%s has %d bytes", path, len(text))
		}
	}
}
