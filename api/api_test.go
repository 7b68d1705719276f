package api_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/api"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/operations"
)

// sample is a request to each operation, about the tag of that name.
type sample struct {
	operation, method, path, body string
	scope                         token.Scope
	// whole is about the whole installation, and list shows what the caller may see.
	whole, list bool
	// refused is the answer about an outside tag; 404 by default.
	refused int
	// keeps reports that the request about an outside tag is answered for each tag.
	each bool
}

func samples(f *fixture, tag string) []sample {
	ref := "?ref=" + url.QueryEscape(tag)
	name, _, _ := strings.Cut(tag, ":")
	about, accepted := f.deliveries(tag)[0], map[string]string{inside: "1", outside: "2"}[tag]
	return []sample{
		{operation: "list-tags", method: "GET", path: "/tags", scope: token.Read, list: true},
		{operation: "name-tag", method: "GET", path: "/tag/name" + ref, scope: token.Read, list: true},
		{operation: "show-tag", method: "GET", path: "/tag" + ref, scope: token.Read},
		{operation: "follow-tag", method: "GET", path: "/tag/live" + ref, scope: token.Read},
		{operation: "show-image", method: "GET", path: "/tag/image" + ref + "&matched=true", scope: token.Read},
		{operation: "list-vulnerabilities", method: "GET", path: "/tag/vulnerabilities" + ref, scope: token.Read},
		{operation: "evaluate", method: "POST", path: "/evaluations", body: fmt.Sprintf(`{"ref": %q, "document": true}`, tag), scope: token.Read},
		{operation: "list-subscriptions", method: "GET", path: "/subscriptions", scope: token.Read, list: true},
		{operation: "find-vulnerability", method: "GET", path: "/affected?id=CVE-2026-0001", scope: token.Read, list: true},
		{operation: "find-package", method: "GET", path: "/affected/packages?purl=" + url.QueryEscape("pkg:deb/debian/openssl"), scope: token.Read, list: true},
		{operation: "list-repositories", method: "GET", path: "/repositories", scope: token.Read, list: true},
		{operation: "show-repository", method: "GET", path: "/repository?name=" + url.QueryEscape(name), scope: token.Read},
		{operation: "plan-repository", method: "POST", path: "/repositories/plan", body: fmt.Sprintf(`{"name": %q, "filter": {"versions": "^1"}}`, name), scope: token.Act},
		{operation: "save-repository", method: "POST", path: "/repositories", body: fmt.Sprintf(`{"name": %q, "interval": "5m"}`, name), scope: token.Act},
		{operation: "unwatch-repository", method: "POST", path: "/repositories/unwatch", body: fmt.Sprintf(`{"name": %q}`, name), scope: token.Act},
		{operation: "list-notifications", method: "GET", path: "/notifications", scope: token.Read, list: true},
		{operation: "stream-notifications", method: "GET", path: "/notifications/stream?after=0", scope: token.Read, list: true},
		{operation: "read-atom", method: "GET", path: "/notifications.atom", scope: token.Feed, list: true},
		{operation: "show-notification", method: "GET", path: "/notifications/" + about.Notification, scope: token.Read},
		{operation: "list-packages", method: "GET", path: "/tag/packages" + ref, scope: token.Read},
		{operation: "show-service", method: "GET", path: "/service", scope: token.Read, list: true},
		{operation: "show-token", method: "GET", path: "/token", scope: token.Read, list: true},
		{operation: "list-registries", method: "GET", path: "/registries", scope: token.Read, whole: true},
		{operation: "list-polls", method: "GET", path: "/registries/polls", scope: token.Read, whole: true},
		{operation: "check-registry", method: "POST", path: "/registries/check", body: `{"name": "ghcr.io"}`, scope: token.Admin, whole: true},
		{operation: "show-sbom", method: "GET", path: "/tag/sbom" + ref, scope: token.Read},
		{operation: "diagnose", method: "POST", path: "/diagnoses", body: `{"version": "devel"}`, scope: token.Read, whole: true},
		{operation: "explain-notification", method: "GET", path: "/notifications/" + about.Notification + "/explanation", scope: token.Read},
		{operation: "explain-silence", method: "GET", path: "/silence" + ref + "&type=vuln_update", scope: token.Read},
		{operation: "list-deliveries", method: "GET", path: "/deliveries?attempts=true", scope: token.Read, list: true},
		{operation: "list-endpoints", method: "GET", path: "/endpoints", scope: token.Read, whole: true},
		{operation: "show-endpoint", method: "GET", path: "/endpoints/ops", scope: token.Read, whole: true},
		{operation: "save-endpoint", method: "POST", path: "/endpoints", body: `{"name": "new", "url": "https://new.example.com/hook", "timeout": 5000000000}`, scope: token.Admin, whole: true},
		{operation: "import-endpoints", method: "POST", path: "/endpoints/import", body: `{"endpoints": [{"name": "new", "url": "https://new.example.com"}, {"name": "newer", "url": "https://new.example.com"}]}`, scope: token.Admin, whole: true},
		{operation: "rotate-endpoint", method: "POST", path: "/endpoints/rotate", body: `{"name": "new", "secret": "env:SECRET"}`, scope: token.Admin, whole: true},
		{operation: "disable-endpoint", method: "POST", path: "/endpoints/disable", body: `{"name": "new", "reason": "moving"}`, scope: token.Admin, whole: true},
		{operation: "enable-endpoint", method: "POST", path: "/endpoints/enable", body: `{"name": "new"}`, scope: token.Admin, whole: true},
		{operation: "test-endpoint", method: "POST", path: "/endpoints/test", body: `{"name": "new", "type": "vuln_update"}`, scope: token.Admin, whole: true},
		{operation: "remove-endpoint", method: "DELETE", path: "/endpoints/new", scope: token.Admin, whole: true},
		{operation: "list-policies", method: "GET", path: "/policies", scope: token.Read, whole: true},
		{operation: "show-policy", method: "GET", path: "/policy", scope: token.Read, whole: true},
		{operation: "save-policy", method: "POST", path: "/policies", body: `{"bundle": {"id": "new", "version": "1_0", "policies": [{"id": "p", "version": "1_0", "rules": []}], "mappings": []}}`, scope: token.Admin, whole: true},
		{operation: "list-policy-versions", method: "GET", path: "/policy/versions?id=new", scope: token.Read, whole: true},
		{operation: "compare-policies", method: "POST", path: "/policies/compare", body: `{"new": {"id": "new"}, "all": true}`, scope: token.Read, whole: true},
		{operation: "report-policy", method: "POST", path: "/policies/report", body: `{"expiring_before": "2026-04-01T00:00:00Z"}`, scope: token.Read, whole: true},
		{operation: "validate-policy", method: "POST", path: "/policies/validate", body: `{"text": "{}"}`, scope: token.Read, whole: true},
		{operation: "delete-policy", method: "DELETE", path: "/policy?id=new", scope: token.Admin, whole: true},
		{operation: "activate-policy", method: "POST", path: "/policies/activate", body: fmt.Sprintf(`{"id": %q}`, policy.Default().ID), scope: token.Admin, whole: true},
		{operation: "sync-feed", method: "POST", path: "/feed/sync", body: `{}`, scope: token.Admin, whole: true},
		{operation: "import-feed", method: "POST", path: "/feed/import", body: `{"file": "/srv/feeds/today.tar.zst"}`, scope: token.Admin, whole: true},
		{operation: "release-feed", method: "POST", path: "/feed/release", body: `{}`, scope: token.Admin, whole: true},
		{operation: "roll-back-feed", method: "POST", path: "/feed/rollback", body: `{}`, scope: token.Admin, whole: true},
		{operation: "reconcile", method: "POST", path: "/reconciliations", body: `{"dry_run": true}`, scope: token.Admin, whole: true},
		{operation: "show-task", method: "GET", path: "/tasks/" + base64.RawURLEncoding.EncodeToString([]byte("apply-policy\none run")), scope: token.Read},
		{operation: "export-declaration", method: "GET", path: "/declaration?owner=web", scope: token.Admin, whole: true},
		{operation: "plan-declaration", method: "POST", path: "/declaration/plan", body: `{"files": [{"name": "a.yaml", "content": "owner: web\nendpoints: [{name: hook, url: 'https://a.example.com'}]"}]}`, scope: token.Admin, whole: true},
		{operation: "apply-declaration", method: "POST", path: "/declaration", body: `{"files": [{"name": "a.yaml", "content": "owner: web\nacceptances: [{vulnerability: CVE-2026-9, until: fixed, reason: no fix}]"}]}`, scope: token.Admin, whole: true},
		{operation: "show-feed", method: "GET", path: "/feed", scope: token.Read, list: true},
		{operation: "subscribe", method: "POST", path: "/subscriptions", body: fmt.Sprintf(`{"tags": [%q]}`, tag), scope: token.Act},
		{operation: "rescan", method: "POST", path: "/rescans", body: fmt.Sprintf(`{"tags": [%q]}`, tag), scope: token.Act, each: true},
		{operation: "redeliver", method: "POST", path: "/redeliveries", body: fmt.Sprintf(`{"ids": [%d]}`, about.ID), scope: token.Act},
		{operation: "unsubscribe", method: "POST", path: "/subscriptions/end", body: fmt.Sprintf(`{"tags": [%q], "types": ["policy_eval"]}`, tag), scope: token.Act, each: true},
		{operation: "list-acceptances", method: "GET", path: "/acceptances?all=true", scope: token.Read, list: true},
		{operation: "show-acceptance", method: "GET", path: "/acceptances/" + accepted, scope: token.Read},
		{operation: "plan-acceptance", method: "POST", path: "/acceptances/plan", body: fmt.Sprintf(`{"vulnerabilities": ["CVE-2026-0001"], "until": "fixed", "reason": "no fix", "subject": %q}`, tag), scope: token.Read, refused: http.StatusUnprocessableEntity},
		{operation: "compare-acceptance", method: "POST", path: "/acceptances/compare", body: fmt.Sprintf(`{"accept": {"vulnerabilities": ["CVE-2026-0001"], "until": "fixed", "reason": "no fix", "subject": %q}, "all": true}`, tag), scope: token.Read, refused: http.StatusUnprocessableEntity},
		{operation: "accept-risk", method: "POST", path: "/acceptances", body: fmt.Sprintf(`{"vulnerabilities": ["CVE-2026-0001"], "until": "fixed", "reason": "no fix", "subject": %q}`, tag), scope: token.Act, refused: http.StatusUnprocessableEntity},
		{operation: "extend-acceptance", method: "POST", path: "/acceptances/extend", body: fmt.Sprintf(`{"id": %q, "until": "2027-01-31T00:00:00Z"}`, accepted), scope: token.Act},
		{operation: "revoke-acceptance", method: "POST", path: "/acceptances/revoke", body: fmt.Sprintf(`{"id": %q}`, accepted), scope: token.Act},
		{operation: "list-sources", method: "GET", path: "/sources", scope: token.Read, whole: true},
		{operation: "show-source", method: "GET", path: "/sources/shop", scope: token.Read, whole: true},
		{operation: "plan-source", method: "POST", path: "/sources/plan", body: `{"name": "new", "kind": "file", "paths": ["/srv/list"]}`, scope: token.Admin, whole: true},
		{operation: "save-source", method: "POST", path: "/sources", body: `{"name": "new", "kind": "file", "paths": ["/srv/list"]}`, scope: token.Admin, whole: true},
		{operation: "confirm-source", method: "POST", path: "/sources/confirm", body: `{"name": "shop"}`, scope: token.Admin, whole: true},
		{operation: "remove-source", method: "DELETE", path: "/sources/new", scope: token.Admin, whole: true},
		{operation: "create-token", method: "POST", path: "/tokens", body: `{"name": "new", "scope": "read"}`, scope: token.Admin, whole: true},
		{operation: "list-tokens", method: "GET", path: "/tokens", scope: token.Admin, whole: true},
		{operation: "list-audit", method: "GET", path: "/audit", scope: token.Read, list: true},
		{operation: "revoke-token", method: "DELETE", path: "/tokens/new", scope: token.Admin, whole: true},
	}
}

// missing are the answers of operations whose object the fixture lacks.
var missing = map[string]int{"follow-tag": http.StatusConflict, "roll-back-feed": http.StatusNotFound}

// TestEveryOperation: each one needs a token, its scope and a tag within its bounds, and
// its answer is as the document says.
func TestEveryOperation(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		document := read(t)
		all := samples(f, inside)
		foreign := samples(f, outside)
		var named []string
		for i, s := range all {
			named = append(named, s.operation)
			path := "/api/v1" + s.path
			f.expect(f.send("", s.method, path, s.body))(http.StatusUnauthorized, s.operation+" without a token")
			for _, scope := range token.Scopes {
				if !scope.Allows(s.scope) {
					f.expect(f.send(string(scope), s.method, path, s.body))(http.StatusForbidden, s.operation+" with the scope "+string(scope))
				}
			}
			bounded := "web-" + string(s.scope)
			if s.whole {
				f.expect(f.send(bounded, s.method, path, s.body))(http.StatusForbidden, s.operation+" with bounds")
			} else {
				f.seesNothing(bounded, foreign[i])
			}
			response, body := f.send(string(s.scope), s.method, path, s.body)
			if status := response.StatusCode; status >= 300 && status != missing[s.operation] {
				t.Errorf("%s answers %d: %s", s.operation, status, body)
			}
			document.validate(t, s.operation, response, body)
		}
		slices.Sort(named)
		if want := document.operations(); !slices.Equal(named, want) {
			t.Errorf("samples of %q\nthe document has %q", named, want)
		}
	})
}

// TestAuditOverTheAPI: what a token changes is recorded under its name, once.
func TestAuditOverTheAPI(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		end := fmt.Sprintf(`{"tags": [%q], "types": ["policy_eval"]}`, inside)
		for range 2 {
			f.send("web-act", "POST", "/api/v1/subscriptions/end", end)
		}
		f.send("admin", "POST", "/api/v1/tokens", `{"name": "new", "scope": "read"}`)
		for name, want := range map[string]int{"admin": 2, "web-read": 1} {
			_, body := f.send(name, "GET", "/api/v1/audit", "")
			if strings.Count(body, `"action":`) != want || !strings.Contains(body, `"who":"web-act","via":"api","action":"subscription.`) || strings.Contains(body, "twt_") {
				t.Errorf("%s sees %s", name, body)
			}
		}
	})
}

// TestTasks: what takes long is answered with the address at which it can be followed, and
// only tasks are shown there.
func TestTasks(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		response, body := f.send("admin", "POST", "/api/v1/policies/activate", fmt.Sprintf(`{"id": %q}`, policy.Default().ID))
		if response.StatusCode != http.StatusAccepted || !strings.Contains(body, `"state":"running"`) {
			t.Fatalf("an activation answers %d %s", response.StatusCode, body)
		}
		if shown, body := f.send("read", "GET", response.Header.Get("Location"), ""); shown.StatusCode != http.StatusOK || !strings.Contains(body, `"kind":"apply-policy"`) {
			t.Errorf("its task: %d %s", shown.StatusCode, body)
		}
		for _, workflow := range []string{"watch-tag:" + inside + "\nrun", "apply-policy\n", "apply-policy", "prune\nrun"} {
			id := base64.RawURLEncoding.EncodeToString([]byte(workflow))
			f.expect(f.send("read", "GET", "/api/v1/tasks/"+id, ""))(http.StatusNotFound, "the task "+workflow)
		}
		f.expect(f.send("admin", "POST", "/api/v1/policies/activate", `{"id": "unknown"}`))(http.StatusNotFound, "the activation of an unknown bundle")
		f.fails = fmt.Errorf("no workflow: %w", errkind.NotFound)
		f.expect(f.send("read", "GET", response.Header.Get("Location"), ""))(http.StatusNotFound, "a task that Temporal does not have any more")
	})
}

// TestBoundsOfDocuments: the bundle of an evaluation, and the cursor of a page, name no tag
// outside of the bounds.
func TestBoundsOfDocuments(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		document := strings.Replace(string(must(policy.Default().MarshalJSON())(t)), "{", `{"comment": "not for nginx",`, 1)
		f.must(f.store.SaveBundle(t.Context(), policy.StoredBundle{ID: "named", Name: "named", Hash: "1", Document: []byte(document)}, now))
		evaluation := fmt.Sprintf(`{"ref": %q, "policy": "named", "document": true}`, inside)
		for name, shown := range map[string]bool{"read": true, "web-read": false} {
			if response, body := f.send(name, "POST", "/api/v1/evaluations", evaluation); response.StatusCode != http.StatusOK || strings.Contains(body, "not for nginx") != shown {
				t.Errorf("%s sees %d %s", name, response.StatusCode, body)
			}
		}
		check := "/images/" + string(storetest.SeedDigest) + "/check?policyId=named&tag=" + url.QueryEscape(inside)
		if status, answer := f.anchore("web-read", http.MethodGet, check, ""); status != http.StatusOK || strings.Contains(fmt.Sprint(answer), "not for nginx") {
			t.Errorf("a check shows %d %v", status, answer)
		}

		var subs []subscription.Subscription
		add := func(name string) {
			for _, kind := range notification.TagTypes {
				subs = append(subs, subscription.Subscription{Target: f.target(name), Type: kind, Active: true, Created: now, Updated: now})
			}
		}
		add("a.example.com/web/a:1")
		for i := range 600 {
			add(fmt.Sprintf("b.example.com/hidden/a:%d", i))
		}
		add("c.example.com/web/a:1")
		f.must(f.store.Subscribe(t.Context(), subs, 0, now))
		made, text, err := token.New("two", token.Read, token.Bounds{"a.example.com/*", "c.example.com/*"}, now.Add(-time.Hour), time.Time{})
		f.must(err)
		f.must(f.store.SaveToken(t.Context(), made))
		f.tokens["two"] = text
		var seen []string
		for path := "/api/v1/subscriptions?limit=5"; path != ""; {
			_, body := f.send("two", "GET", path, "")
			var page operations.SubscriptionList
			f.must(json.Unmarshal([]byte(body), &page))
			for _, sub := range page.Subscriptions {
				seen = append(seen, sub.Target.String())
			}
			if name, err := base64.RawURLEncoding.DecodeString(page.Next); err != nil || strings.Contains(string(name), "hidden") {
				t.Errorf("the cursor names %s: %v", name, err)
			}
			if path = ""; page.Next != "" {
				path = "/api/v1/subscriptions?limit=5&after=" + page.Next
			}
		}
		if slices.Sort(seen); len(seen) != 10 || seen[0] != "a.example.com/web/a:1" || seen[9] != "c.example.com/web/a:1" {
			t.Errorf("the pages show %q", seen)
		}
	})
}

// TestSecretsOfSources: who may only see is not shown what may be a secret of a source.
func TestSecretsOfSources(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, s := range []source.Source{{Name: "list", Kind: source.File, Paths: []string{"https://git.example.com/t0ken/list?key=t0ken"}, Types: notification.TagTypes},
			{Name: "stack", Kind: source.Compose, Paths: []string{"/srv/stack"}, Variables: map[string]string{"PASSWORD": "t0ken"}, Types: notification.TagTypes}} {
			f.must(f.store.SaveSource(t.Context(), s, now))
		}
		for name, shown := range map[string]bool{"read": false, "act": false, "admin": true} {
			for _, path := range []string{"/api/v1/sources", "/api/v1/sources/list", "/api/v1/sources/stack"} {
				if response, body := f.send(name, "GET", path, ""); response.StatusCode != http.StatusOK || strings.Contains(body, "t0ken") != shown {
					t.Errorf("%s of %s: %d %s", path, name, response.StatusCode, body)
				}
			}
		}
	})
}

// must is the value, or the end of the test.
func must[Value any](value Value, err error) func(*testing.T) Value {
	return func(t *testing.T) Value {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// seesNothing: the request about an outside tag is answered as if it did not exist.
func (f *fixture) seesNothing(name string, s sample) {
	f.Helper()
	response, body := f.send(name, s.method, "/api/v1"+s.path, s.body)
	missing := strings.NewReplacer("nginx:1.27", "nginx:9.99", "nginx%3A1.27", "nginx%3A9.99").Replace
	switch {
	case s.list && response.StatusCode != http.StatusOK:
		f.Errorf("%s with bounds answers %d: %s", s.operation, response.StatusCode, body)
	case s.operation == "name-tag":
		if !strings.Contains(body, `"watched":false`) {
			f.Errorf("name-tag with bounds knows the tag: %s", body)
		}
	case s.list && (strings.Contains(body, "nginx") || s.operation != "show-feed" && s.operation != "show-service" && s.operation != "show-token" && !strings.Contains(body, "ghcr.io/web/shop")):
		f.Errorf("%s with bounds shows %s", s.operation, body)
	case s.list:
	case s.each && strings.Contains(body, `"NotFound"`):
	case response.StatusCode != cmp.Or(s.refused, http.StatusNotFound):
		f.Errorf("%s of an outside tag answers %d: %s", s.operation, response.StatusCode, body)
	}
	if s.operation == "explain-notification" || s.operation == "show-notification" || s.operation == "redeliver" {
		return
	}
	if again, other := f.send(name, s.method, "/api/v1"+missing(s.path), missing(s.body)); again.StatusCode != response.StatusCode || other != missing(body) {
		f.Errorf("%s of an outside tag: %s\nof one that does not exist: %s", s.operation, body, other)
	}
}

// expect checks a status, and that the answer is a problem without what only others see.
func (f *fixture) expect(response *http.Response, body string) func(status int, what string) {
	return func(status int, what string) {
		f.Helper()
		if response.StatusCode != status {
			f.Errorf("%s answers %d, want %d: %s", what, response.StatusCode, status, body)
		}
		var p struct {
			Status int
			Title  string
			Detail string
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != status || p.Detail == "" || response.Header.Get("Content-Type") != "application/problem+json" {
			f.Errorf("%s is no problem: %s %s", what, response.Header.Get("Content-Type"), body)
		}
		if strings.Contains(body, "nginx") || strings.Contains(body, "ghcr.io") {
			f.Errorf("%s shows %s", what, body)
		}
	}
}

// openapi is the document that the API publishes.
type openapi struct {
	schemas *jsonschema.Compiler
	Paths   map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Parameters  []struct{ Name, In string }
		RequestBody *struct{} `json:"requestBody"`
		Responses   map[string]struct {
			Content map[string]struct{}
		}
	}
}

func read(t *testing.T) *openapi {
	t.Helper()
	text, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d := &openapi{schemas: jsonschema.NewCompiler()}
	d.schemas.AssertFormat()
	if err := d.schemas.AddResource("openapi.json", parsed); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *openapi) operations() (names []string) {
	for _, methods := range d.Paths {
		for _, o := range methods {
			names = append(names, o.OperationID)
		}
	}
	slices.Sort(names)
	return names
}

// validate checks an answer against the schema of its status.
func (d *openapi) validate(t *testing.T, operation string, response *http.Response, body string) {
	t.Helper()
	for path, methods := range d.Paths {
		for method, o := range methods {
			if o.OperationID != operation {
				continue
			}
			status := fmt.Sprint(response.StatusCode)
			if _, found := o.Responses[status]; !found {
				status = "default"
			}
			kind := response.Header.Get("Content-Type")
			if _, found := o.Responses[status].Content[kind]; !found {
				t.Errorf("%s answers %d as %q, which the document does not have", operation, response.StatusCode, kind)
				return
			}
			escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace
			schema, err := d.schemas.Compile("openapi.json#/paths/" + escape(path) + "/" + method + "/responses/" + status + "/content/" + escape(kind) + "/schema")
			if err != nil {
				t.Fatal(err)
			}
			var value any = body
			if strings.HasSuffix(kind, "json") {
				value, err = jsonschema.UnmarshalJSON(strings.NewReader(body))
			}
			if err != nil {
				t.Errorf("%s answers no JSON: %v: %s", operation, err, body)
				return
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("%s: %v\n%s", operation, err, body)
			}
		}
	}
}
