package page_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/tagwatch/tagwatch/domain/overload"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// paths are all pages.
var paths = []string{"/", "/?q=%22%3E%3Cscript%3E&status=fail&order=severity&failing=1&uncovered=1&after=registry.example.com/shop/api:60", "/?repository=%22%3E%3Cscript%3E",
	"/tag?name=registry.example.com/shop/api:1", "/tag?name=registry.example.com/shop/api:many", "/tag?name=registry.example.com/shop/api:many&severity=high%2B&fixable=1&exploited=1&accepted=none&package=%22%3E%3Cscript%3E",
	"/tag/policy?name=registry.example.com/shop/api:1", "/tag/policy?name=registry.example.com/shop/api:many&action=stop&page=2",
	"/search", "/search?q=%22%3E%3Cscript%3E", "/search?q=CVE-2026-1", "/search?q=none&kind=package", "/search?q=CVE-2026-2",
	"/notifications", "/notifications?subject=%22%3E%3Cscript%3E&type=vuln_update&before=900", "/notification?id=id-1",
	"/deliveries", "/deliveries?state=failed&endpoint=%22%3E%3Cscript%3E&before=3", "/repositories", "/repositories?after=a", "/sources", "/source?name=shop", "/source?name=shop&only=problems",
	"/policies", "/policy?id=shop", "/audit", "/audit?who=%22%3E%3Cscript%3E&subject=x&since=2026-01-01",
	"/endpoints", "/registries", "/feed", "/tag?name=registry.example.com/none:1", "/notification?id=%3Cscript%3E", "/tag?name=%3Cscript%3E", "/?colour=%3Cscript%3E"}

// TestHostile: no text becomes more than a text, on any page.
func TestHostile(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, tags: 120}, "")
	for _, path := range paths {
		answer, text := r.get(path)
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		document, err := html.Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for node := range document.Descendants() {
			if node.Type == html.ElementNode {
				harmless(t, path, node)
			}
		}
		if strings.Contains(text, "a-secret") || strings.Contains(text, "ZgotmplZ") && !strings.Contains(path, "/tag") {
			t.Errorf("%s: shows what it should not", path)
		}
	}
}

func harmless(t *testing.T, path string, node *html.Node) {
	t.Helper()
	switch node.Data {
	case "script", "img", "iframe", "object", "embed", "style", "base":
		t.Errorf("%s: there is an element %s", path, node.Data)
	}
	for _, attribute := range node.Attr {
		value := strings.ToLower(strings.TrimSpace(attribute.Val))
		if strings.HasPrefix(attribute.Key, "on") || attribute.Key == "style" || strings.HasPrefix(value, "javascript:") || strings.HasPrefix(value, "data:") {
			t.Errorf("%s: %s has %s=%q", path, node.Data, attribute.Key, attribute.Val)
		}
	}
}

// TestAccessible holds what every page has for those who do not see it, or do
// not use a mouse.
func TestAccessible(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, tags: 120}, "")
	for _, path := range paths {
		_, text := r.get(path)
		document, err := html.Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		count, ids, labels := map[string]int{}, map[string]bool{}, map[string]bool{}
		var fields []string
		for node := range document.Descendants() {
			count[node.Data]++
			switch id := attribute(node, "id"); {
			case node.Type != html.ElementNode:
			case id != "" && ids[id]:
				t.Errorf("%s: two elements have the id %s", path, id)
			case id != "":
				ids[id] = true
			}
			if node.Data == "label" {
				labels[attribute(node, "for")] = true
			}
			if (node.Data == "input" || node.Data == "select") && attribute(node, "type") != "hidden" {
				fields = append(fields, attribute(node, "id"))
			}
			if node.Data == "th" && attribute(node, "scope") == "" {
				t.Errorf("%s: a heading of a table has no scope", path)
			}
			if node.Data == "svg" && attribute(node, "role") != "img" {
				t.Errorf("%s: a chart has no role", path)
			}
		}
		for _, field := range fields {
			if !labels[field] {
				t.Errorf("%s: the field %q has no label", path, field)
			}
		}
		if count["main"] != 1 || count["h1"] != 1 || count["header"] != 1 || count["footer"] != 1 || count["caption"] != count["table"] ||
			!strings.Contains(text, `<html lang="en">`) || !strings.Contains(text, `href="#content"`) {
			t.Errorf("%s: landmarks %v", path, count)
		}
	}
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestPages(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, tags: 120}, "")
	for _, test := range []struct {
		path   string
		status int
		says   []string
	}{
		{"/", 200, []string{"50 of 120 tags", "registry.example.com/shop/api:0", `href="/?after=registry.example.com%2Fshop%2Fapi%3A49"`, "fail", "30h ago", "2 of 3 run it", "1 an older one", "critical 0 to 1"}},
		{"/?after=registry.example.com/shop/api:99&q=x", 200, []string{"20 of 120 tags", `href="/?q=x"`, `href="/?before=registry.example.com%2Fshop%2Fapi%3A100&amp;q=x"`}},
		{"/?before=registry.example.com/shop/api:100", 200, []string{"50 of 120 tags", "shop/api:99", `href="/?after=registry.example.com%2Fshop%2Fapi%3A99"`, `href="/?before=registry.example.com%2Fshop%2Fapi%3A50"`}},
		{"/?source=shop&failing=1", 200, []string{"of the source shop"}},
		{"/tag?name=registry.example.com/shop/api:1", 200, []string{"1 critical", "known exploited", "vulnerabilities over time", "<polyline",
			"20 files and 83 more, whose packages are missing", "/app/000/package.json", "javascript-package-cataloger",
			"http://127.0.0.1:8233/namespaces/default/workflows/watch-tag:registry.example.com%2Fshop%2Fapi:1", "vuln_update"}},
		{"/tag?name=registry.example.com/shop/api:1@linux/arm64", 200, []string{"@linux/arm64"}},
		{"/tag?name=registry.example.com/none:1", 404, []string{"Not found"}},
		{"/tag?name=registry.example.com/shop/api:many", 200, []string{"1 to 25 of 600, the most severe first", "EPSS", "accepted until 2026-05-01: not reachable (web team)",
			`href="/tag?name=registry.example.com%2Fshop%2Fapi%3Amany&amp;v=2#vulnerabilities"`, "20 findings of the policies", "all 280 findings of the policies",
			`href="/tag/vulnerabilities.csv?name=registry.example.com%2Fshop%2Fapi%3Amany"`, `href="/badge/registry.example.com/shop/api:many.svg"`}},
		{"/tag?name=registry.example.com/shop/api:many&severity=critical", 200, []string{"1 to 25 of 100 selected, of 600 in all", `<option value="critical" selected>`}},
		{"/tag?name=registry.example.com/shop/api:many&severity=high%2B&exploited=1", 200, []string{"1 to 20 of 20 selected", "known exploited"}},
		{"/tag?name=registry.example.com/shop/api:many&accepted=only&fixable=1", 200, []string{"1 to 25 of 30 selected", "and 2 more"}},
		{"/tag?name=registry.example.com/shop/api:many&package=LIB-599", 200, []string{"1 to 1 of 1 selected"}},
		{"/tag?name=registry.example.com/shop/api:many&package=none", 200, []string{"No vulnerability of 600 matches"}},
		{"/tag/policy?name=registry.example.com/shop/api:many&page=6", 200, []string{"251 to 280 of 280"}},
		{"/tag/policy?name=registry.example.com/shop/api:many&action=whitelisted", 200, []string{"No finding matches"}},
		{"/search?q=CVE-2026-1", 200, []string{"50 packages with the vulnerability", `href="/tag?name=registry.example.com%2Fshop%2Fapi%3A0&amp;package=openssl`, `kind=vulnerability`, "2 tags</a> may have it, too",
			"older image", `href="/tag?name=registry.example.com%2Fshop%2Fapi%3A1#facts"`, "run by deployment shop/web (app)", "daemonset shop/log and 1 more"}},
		{"/search?q=openssl", 200, []string{"50 packages on this page", `href="/search?after=50&amp;kind=package&amp;q=openssl"`}},
		{"/search?q=openssl&after=50&kind=package", 200, []string{"1 package on this page", `href="/search?before=51&amp;kind=package&amp;q=openssl"`}},
		{"/search?q=CVE-2026-2", 200, []string{"No analyzed image of a watched tag has this vulnerability"}},
		{"/search?q=pkg:npm", 400, []string{"package URL that cannot be read"}},
		{"/deliveries", 200, []string{"50 deliveries", `href="/deliveries?before=51"`, "HTTP 500", "3 attempts"}},
		{"/deliveries?before=51&state=failed", 200, []string{`href="/deliveries?state=failed"`}},
		{"/repositories", 200, []string{`href="/?repository=registry.example.com%2Fshop%2Fapi"`, "failing", "cannot be listed"}},
		{"/sources", 200, []string{`href="/?source=shop"`, `href="/source?name=shop&amp;only=problems"`, "cannot be read"}},
		{"/source?name=shop", 200, []string{"no_value", "variable TAG", "failing", "Missing in the last reading", "1 to 3 of 3"}},
		{"/source?name=shop&only=problems", 200, []string{"1 to 2 of 2"}},
		{"/source?name=none", 404, []string{"Not found"}},
		{"/policies", 200, []string{`href="/policy?id=shop"`, "active"}},
		{"/policy?id=shop", 200, []string{"vulnerabilities", "Version", "first try", `href="/policy.json?id=shop"`}},
		{"/policy?id=none", 404, []string{"Not found"}},
		{"/audit?who=eva&since=2026-02-01", 200, []string{"endpoint.create", "eva", `value="2026-02-01"`}},
		{"/tag?name=%00", 400, []string{"Invalid address", "zero byte"}},
		{"/tag", 400, []string{"Invalid address", "expected a tag such as"}},
		{"/notifications", 200, []string{"50 notifications", "before=951", "ops"}},
		{"/notifications?before=951&type=vuln_update", 200, []string{`href="/notifications?type=vuln_update"`}},
		{"/notification?id=id-1", 200, []string{"the tag points to another image", "HTTP 500", "failed"}},
		{"/notification?id=none", 404, []string{"Not found"}},
		{"/endpoints", 200, []string{"https://hooks.example.com<", "env:CHAT_URL", "failing", "began", "giving up", "2 within a day, the last", "HTTP 422"}},
		{"/registries", 200, []string{"registry.example.com", "unreachable", "began", "1 failing", "healthy"}},
		{"/feed", 200, []string{"New vulnerability data is on hold", "tagwatch feed release", "sha256:f", "provider debian is old", "eol"}},
		{"/elsewhere", 404, []string{"There is no page at this address.", `<a href="/">To the tags</a>`}},
	} {
		answer, text := r.get(test.path)
		if answer.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", test.path, answer.StatusCode, test.status)
		}
		text = strings.ReplaceAll(text, "<wbr>", "") // where names may break
		for _, part := range test.says {
			if !strings.Contains(strings.ToLower(text), strings.ToLower(part)) {
				t.Errorf("%s does not say %q:\n%.3000s", test.path, part, text)
			}
		}
	}
}

// TestWellFormed: a tag that is left open shows in no browser and breaks some.
func TestWellFormed(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, tags: 2}, "")
	void := regexp.MustCompile(`<(meta|link|input|wbr|br)\b([^>]*?)/?>`)
	boolean := regexp.MustCompile(` (selected|checked|required|autofocus)\b([^=])`)
	for _, path := range paths {
		_, text := r.get(path)
		text = void.ReplaceAllString(strings.TrimPrefix(text, "<!doctype html>"), "<$1$2/>")
		text = boolean.ReplaceAllString(boolean.ReplaceAllString(text, ` $1=""$2`), ` $1=""$2`) // two may stand together
		decoder := xml.NewDecoder(strings.NewReader(text))
		decoder.Strict, decoder.Entity = true, xml.HTMLEntity
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", path, err)
				break
			}
		}
	}
}

func TestFilterIsRead(t *testing.T) {
	t.Parallel()
	read := &content{t: t, tags: 120}
	r := open(t, read, "")
	r.get("/?q=api&status=fail&order=change&failing=1&registry=r.example.com&after=r.example.com/a:1")
	want := watch.OverviewFilter{Text: "api", Status: "fail", Order: watch.ByChange, Failing: true, Registry: "r.example.com", After: "r.example.com/a:1", Limit: 51}
	if diff := cmp.Diff(want, read.asked); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestInvalidParameters: each is named with what to write in its place.
func TestInvalidParameters(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, tags: 2}, "")
	tag := "/tag?name=registry.example.com/shop/api:1&"
	for path, says := range map[string]string{
		"/?status=x":                           "status",
		"/?order=name;DROP":                    "cannot be read",
		"/?failing=yes":                        "expected one of 1",
		"/?page=2":                             "does not exist on this page",
		"/?after=a&before=b":                   "exclude each other",
		"/?q=a&q=b":                            "2 times",
		"/?q=" + strings.Repeat("a", 601):      "longer than 600",
		"/tag?name=a%20b":                      "expected a tag such as",
		tag + "severity=worst":                 "critical, high, high+",
		tag + "v=0":                            "a number from 1 on",
		tag + "v=999999999":                    "up to 100000",
		tag + "accepted=maybe":                 "expected one of only, none",
		"/tag/policy?name=r.io/a:1&action=run": "expected one of stop, warn, go, whitelisted",
		"/search?q=a&kind=b":                   "kind",
		"/notifications?type=all":              "type",
		"/notifications?before=-1":             "before",
		"/notification?id=a&x=1":               "does not exist",
		"/deliveries?state=lost":               "expected one of pending",
		"/repositories?page=1":                 "does not exist",
		"/sources?after=a&before=b":            "exclude",
		"/source?name=shop&only=all":           "only",
		"/policies?x":                          "does not exist",
		"/policy?id=shop&page=x":               "page",
		"/audit?since=yesterday":               "a day such as 2026-03-01",
		"/endpoints?a=b":                       "does not exist",
		"/registries?a=b":                      "does not exist",
		"/feed?a=b":                            "does not exist",
		"/tag/vulnerabilities.csv?name=":       "expected a tag",
		"/tag/sbom.json?name=r.io/a:1&v=1":     "does not exist",
		"/policy.json?id=a&b=c":                "does not exist",
		"/badge/registry.example.com/a:1":      "/badge/, a tag and .svg",
		"/badge/r.io/a:1.svg?show=all":         "expected one of policy, counts",
	} {
		answer, text := r.get(path)
		if answer.StatusCode != http.StatusBadRequest || !strings.Contains(html.UnescapeString(text), says) {
			t.Errorf("%s: %d, does not say %q\n%.1500s", path, answer.StatusCode, says, text)
		}
	}
}

// TestOnlyReads: a page changes nothing, whatever the method.
func TestOnlyReads(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, tags: 2}, "")
	for _, path := range append(paths, "/badge/registry.example.com/shop/api:1.svg", "/tag/sbom.json?name=registry.example.com/shop/api:1") {
		for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405, http.MethodPut: 405, http.MethodDelete: 405} {
			request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, text := r.do(request)
			if method == http.MethodHead && (answer.StatusCode >= 500 || text != "") || method != http.MethodHead && answer.StatusCode != want {
				t.Errorf("%s %s: %d", method, path, answer.StatusCode)
			}
		}
	}
}

func TestStoreIsAway(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, fails: errors.New("dial postgres at 10.1.2.3")}, "")
	for _, path := range []string{"/", "/tag?name=registry.example.com/shop/api:1", "/notifications", "/endpoints", "/registries", "/feed", "/search?q=CVE-2026-1", "/search?q=a", "/deliveries", "/repositories", "/sources", "/source?name=shop", "/policies", "/policy?id=shop", "/audit",
		"/tag/policy?name=registry.example.com/shop/api:1", "/tag/vulnerabilities.csv?name=registry.example.com/shop/api:1", "/tag/sbom.json?name=registry.example.com/shop/api:1", "/badge/registry.example.com/shop/api:1.svg"} {
		answer, text := r.get(path)
		if answer.StatusCode != http.StatusServiceUnavailable || strings.Contains(text, "10.1.2.3") || !strings.Contains(text, "Not available") {
			t.Errorf("%s: %d\n%s", path, answer.StatusCode, text)
		}
	}
}

const token = "the-token-of-the-status-page"

func TestToken(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, tags: 2}, token)
	for _, path := range append(paths, "/elsewhere") {
		if answer, text := r.get(path); answer.StatusCode != 401 || strings.Contains(text, "shop/api") || !strings.Contains(text, `type="password"`) {
			t.Errorf("%s without the token: %d\n%s", path, answer.StatusCode, text)
		}
	}
	if answer, _ := r.get("/style.css"); answer.StatusCode != 200 {
		t.Errorf("the style of the form: %d", answer.StatusCode)
	}
	for header, want := range map[string]int{"Bearer " + token: 200, "Bearer wrong": 401, token: 401, "Basic " + token: 401} {
		if answer, _ := r.get("/", "Authorization", header); answer.StatusCode != want {
			t.Errorf("header %q: %d, want %d", header, answer.StatusCode, want)
		}
	}
	if answer, text := r.post("/login", url.Values{"token": {"wrong"}}); answer.StatusCode != 401 || !strings.Contains(text, "not the token") {
		t.Errorf("a wrong token: %d", answer.StatusCode)
	}
	if answer, text := r.post("/login", url.Values{"token": {token}}); answer.StatusCode != 200 || !strings.Contains(text, "shop/<wbr>api") {
		t.Errorf("the token: %d\n%s", answer.StatusCode, text)
	}
	if answer, _ := r.get("/endpoints"); answer.StatusCode != 200 {
		t.Errorf("with the cookie: %d", answer.StatusCode)
	}
	r.post("/logout", nil)
	if answer, _ := r.get("/endpoints"); answer.StatusCode != 401 {
		t.Errorf("after signing out: %d", answer.StatusCode)
	}
}

// TestCookie: it is not for scripts, not for other sites, and does not hold the
// token.
func TestCookie(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t}, token)
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, _ := r.post("/login", url.Values{"token": {token}})
	cookies := answer.Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Secure ||
		strings.Contains(cookies[0].Value, token) || cookies[0].MaxAge <= 0 {
		t.Errorf("%+v", cookies)
	}
}

// TestManyReads: a program that has the token may ask as often as it likes.
func TestManyReads(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t, tags: 2}, token)
	for n := range 60 {
		if answer, _ := r.get("/registries", "Authorization", "Bearer "+token); answer.StatusCode != 200 {
			t.Fatalf("request %d: %d", n, answer.StatusCode)
		}
	}
}

// TestOverloadIsShown while something waits for too long, and only then.
func TestOverloadIsShown(t *testing.T) {
	t.Parallel()
	read := &content{t: t, tags: 2}
	r := open(t, read, "")
	for since, want := range map[time.Duration]bool{time.Second: false, time.Hour: true} {
		read.waits = []overload.Queue{{Kind: overload.FirstChecks, Waiting: 5000, Since: now.Add(-since), Done: 6250}}
		if _, body := r.get("/"); strings.Contains(body, "5,000 tags waiting for their first check, about 4 min") != want {
			t.Errorf("waiting for %s: shown is %v", since, !want)
		}
	}
}
