package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// anchore sends a request to Anchore's API as its clients do: with a user and the token
// as the password.
func (f *fixture) anchore(name, method, path, body string) (status int, answer any) {
	f.Helper()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+f.tokens[name]))
	response, text := f.send("", method, "/v1"+path, body, "Authorization", basic)
	if err := json.Unmarshal([]byte(text), &answer); err != nil || response.Header.Get("Content-Type") != "application/json" {
		f.Fatalf("%s %s answers %d %s: %s", method, path, response.StatusCode, response.Header.Get("Content-Type"), text)
	}
	return response.StatusCode, answer
}

// shape is what a client relies on: the keys of an answer and the types of their values.
// The elements of a list are one shape if they agree.
func shape(value any) any {
	switch v := value.(type) {
	case map[string]any:
		keys := map[string]any{}
		for key, each := range v {
			keys[key] = shape(each)
		}
		return keys
	case []any:
		shapes := []any{}
		for _, each := range v {
			one := shape(each)
			if !slices.ContainsFunc(shapes, func(known any) bool { return cmp.Equal(known, one) }) {
				shapes = append(shapes, one)
			}
		}
		return shapes
	case string:
		return "text"
	case float64:
		return "number"
	case bool:
		return "flag"
	}
	return nil
}

// golden compares the shape of an answer with the stored one.
func (f *fixture) golden(name string, answer any) {
	f.Helper()
	got, err := json.MarshalIndent(shape(answer), "", "  ")
	f.must(err)
	file := filepath.Join("testdata", "anchore", name+".json")
	if *update {
		f.must(os.MkdirAll(filepath.Dir(file), 0o750))
		f.must(os.WriteFile(file, append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile(file)
	f.must(err)
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		f.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

// TestAnchoreAnswers: each answer has Anchore's keys with values of its types.
func TestAnchoreAnswers(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		image := "/images/" + string(storetest.SeedDigest)
		tag := url.QueryEscape(inside)
		for _, test := range []struct{ name, path string }{
			{"probe", ""}, {"status", "/status"}, {"system", "/system"}, {"feeds", "/system/feeds"}, {"error-codes", "/system/error_codes"},
			{"images", "/images"}, {"image", "/images?fulltag=" + tag}, {"image", image}, {"image", "/images/by_id/" + strings.Repeat("cd", 32)}, {"summaries", "/summaries/imagetags"},
			{"vuln-types", image + "/vuln"}, {"vuln", image + "/vuln/all"}, {"vuln", image + "/vuln/os"}, {"content-types", image + "/content"}, {"content", image + "/content/os"},
			{"metadata-types", image + "/metadata"}, {"metadata", image + "/metadata/dockerfile"},
			{"check", image + "/check?detail=true&tag=" + tag}, {"check-short", image + "/check?detail=false&tag=" + tag},
			{"subscriptions", "/subscriptions?subscription_type=vuln_update"}, {"repositories", "/subscriptions?subscription_type=repo_update"},
			{"policies", "/policies?detail=False"}, {"policies-detail", "/policies?detail=True"},
			{"registries", "/registries"}, {"registries", "/registries/docker.io"}, {"events", "/events"},
			{"by-vulnerability", "/query/images/by_vulnerability?vulnerability_id=CVE-2026-0001"}, {"by-package", "/query/images/by_package?name=openssl"},
		} {
			status, answer := f.anchore("admin", http.MethodGet, test.path, "")
			if status != http.StatusOK {
				t.Errorf("%s answers %d: %v", test.path, status, answer)
				continue
			}
			f.golden(test.name, answer)
		}
	})
}

// TestAnchoreRefuses: what is wrong, missing or not supported is an error in Anchore's
// form, with a status from which its clients make their exit codes.
func TestAnchoreRefuses(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		image := "/images/" + string(storetest.SeedDigest)
		for _, test := range []struct {
			method, path string
			status       int
			says         string
		}{
			{"GET", "/nothing", 404, "no such address"},
			{"PUT", "/images", 405, "only GET, POST, DELETE"},
			{"GET", "/repositories", 501, "subscription_type=repo_update"},
			{"GET", "/system/services", 501, "tagwatch doctor"},
			{"GET", "/images/sha256:" + strings.Repeat("00", 32), 404, "image not found"},
			{"GET", "/images?fulltag=docker.io/library/none:1", 404, "is not watched"},
			{"GET", image + "/vuln/some", 400, "expected one of os, non-os, all"},
			{"GET", image + "/content/files", 501, "tagwatch sbom"},
			{"GET", image + "/metadata/manifest", 501, "read it from the registry"},
			{"GET", image + "/check", 400, "tag is required"},
			{"GET", image + "/check?tag=docker.io/library/other:1", 404, "is not watched"},
			{"GET", image + "/check?policyId=none&tag=" + url.QueryEscape(inside), 404, "bundle none not found"},
			{"GET", image + "/check?history=true&tag=" + url.QueryEscape(inside), 501, "tagwatch notifications"},
			{"GET", "/subscriptions/none", 404, "subscription not found"},
			{"GET", "/policies/none", 404, "policy not found"},
			{"GET", "/registries/none.example.com", 404, "registry not found"},
			{"GET", "/events?level=debug", 400, "info or error"},
			{"GET", "/events?page=0", 400, "expected 1 to"},
			{"GET", "/events/none", 404, "not found"},
			{"POST", "/registries", 501, "docs/registries.md"},
			{"POST", "/system/feeds?flush=True", 501, "leave out flush"},
			{"POST", "/system/webhooks/ops/test?notification_type=some", 400, "expected one of"},
			{"POST", "/policies", 400, "body is empty"},
			{"DELETE", "/policies/none", 404, "bundle none not found"},
			{"POST", "/repositories", 400, "repository is required"},
			{"POST", "/repositories?repository=Foo/bar", 400, "use lower-case letters"},
			{"GET", "/accounts", 501, "tagwatch token create"},
		} {
			status, answer := f.anchore("admin", test.method, test.path, "")
			f.refusal(test.method+" "+test.path, status, answer, test.status, test.says)
		}
		for body, says := range map[string]string{`{"tag": 5}`: "tag is not what is expected: expected a string", `[]`: "expected a JSON object", `{`: "not valid JSON", ``: "is empty",
			`{"tag": "a", "source": {"tag": "b"}}`: "source.tag is not what is expected: expected an object"} {
			status, answer := f.anchore("admin", http.MethodPost, "/images", body)
			f.refusal("body "+body, status, answer, http.StatusBadRequest, says)
			if strings.Contains(fmt.Sprint(answer), "Go ") {
				t.Errorf("body %s: %v", body, answer)
			}
		}
		for _, change := range []struct{ method, path string }{{"POST", "/images"}, {"DELETE", "/images"}, {"DELETE", image}, {"DELETE", "/images/none"}, {"PUT", "/subscriptions/none"}, {"DELETE", "/subscriptions/none"},
			{"POST", "/policies"}, {"PUT", "/policies/none"}, {"DELETE", "/policies/none"}, {"POST", "/repositories"}, {"POST", "/system/feeds"}, {"POST", "/system/webhooks/ops/test"}} {
			status, answer := f.anchore("read", change.method, change.path, "{}")
			f.refusal(change.method+" "+change.path+" with scope read", status, answer, http.StatusForbidden, "Forbidden")
		}
		status, answer := f.anchore("wrong", http.MethodGet, "/images", "")
		f.refusal("without a token", status, answer, http.StatusUnauthorized, "token")
	})
}

// TestAnchoreTagDetected: a tag was detected when it was first seen to point to its image,
// whatever changed since.
func TestAnchoreTagDetected(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		target := f.target(inside)
		f.must(f.store.Record(t.Context(), target, func(view watch.RecordView) (watch.Decision, error) {
			state := view.State
			state.Revision++
			state.Since, state.Changed = now.Add(-48*time.Hour), now
			return watch.Decision{State: state, Made: now}, nil
		}))
		want := now.Add(-48 * time.Hour).Format("2006-01-02T15:04:05Z")
		for _, path := range []string{"/images", "/images?fulltag=" + url.QueryEscape(inside), "/summaries/imagetags"} {
			_, answer := f.anchore("web-read", http.MethodGet, path, "")
			row := answer.([]any)[0].(map[string]any)
			if details, has := row["image_detail"].([]any); has {
				row = details[0].(map[string]any)
			}
			if row["tag_detected_at"] != want || row["created_at"] != want {
				t.Errorf("%s: detected %v, created %v, want %s", path, row["tag_detected_at"], row["created_at"], want)
			}
		}
	})
}

// TestAnchoreChanges: a client ends and deletes what its token may change, and what it may
// not is as it was.
func TestAnchoreChanges(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		record := func(kind string) map[string]any {
			t.Helper()
			status, answer := f.anchore("admin", http.MethodGet, "/subscriptions?subscription_type="+kind+"&subscription_key="+url.QueryEscape(inside), "")
			list, _ := answer.([]any)
			if status != http.StatusOK || len(list) != 1 {
				t.Fatalf("%d %v", status, answer)
			}
			return list[0].(map[string]any)
		}
		policy := record("policy_eval")
		address := "/subscriptions/" + policy["subscription_id"].(string)
		off := fmt.Sprintf(`{"active": false, "subscription_key": %q, "subscription_type": "policy_eval"}`, inside)
		status, answer := f.anchore("read", http.MethodPut, address, off)
		f.refusal("deactivate with scope read", status, answer, http.StatusForbidden, "scope act")
		if status, answer := f.anchore("web-act", http.MethodPut, address, off); status != http.StatusOK || record("policy_eval")["active"] != false {
			t.Errorf("deactivate: %d %v", status, answer)
		}
		status, answer = f.anchore("web-act", http.MethodPut, address, strings.Replace(off, "false", "true", 1))
		if len(f.asked) == 0 || !strings.Contains(f.asked[len(f.asked)-1], "ubscri") {
			t.Errorf("activate asked for %q: %d %v", f.asked, status, answer)
		}
		if status, answer := f.anchore("act", http.MethodPost, "/images", fmt.Sprintf(`{"tag": %q}`, inside)); status != http.StatusOK || !strings.Contains(fmt.Sprint(answer), string(storetest.SeedDigest)) {
			t.Errorf("add again: %d %v", status, answer)
		}
		other := "sha256:" + strings.Repeat("00", 32)
		status, answer = f.anchore("act", http.MethodPost, "/images", fmt.Sprintf(`{"tag": %q, "digest": "ghcr.io/web/shop@%s"}`, inside, other))
		f.refusal("add again with another digest", status, answer, http.StatusConflict, "not to "+other)
		asked := len(f.asked)
		f.anchore("act", http.MethodPost, "/images", fmt.Sprintf(`{"tag": %q, "dockerfile": %q}`, inside, base64.StdEncoding.EncodeToString([]byte("FROM scratch"))))
		if got := fmt.Sprint(f.asked[asked:]); !strings.Contains(got, "ubscri") {
			t.Errorf("add again with a Dockerfile asked for %s", got)
		}
		seeded := "/images/" + string(storetest.SeedDigest)
		if _, answer := f.anchore("web-act", http.MethodDelete, seeded, ""); answer.(map[string]any)["status"] != "delete_failed" || strings.Contains(fmt.Sprint(answer), "nginx") {
			t.Errorf("delete without force: %v", answer)
		}
		status, answer = f.anchore("read", http.MethodDelete, seeded+"?force=true", "")
		f.refusal("delete with scope read", status, answer, http.StatusForbidden, "scope act")
		if _, answer := f.anchore("web-act", http.MethodDelete, seeded+"?force=True", ""); answer.(map[string]any)["status"] != "deleting" {
			t.Errorf("delete: %v", answer)
		}
		if _, answer := f.anchore("read", http.MethodGet, "/images", ""); strings.Contains(fmt.Sprint(answer), "web/shop") || !strings.Contains(fmt.Sprint(answer), "nginx") {
			t.Errorf("after a delete by a token for web: %v", answer)
		}
		if _, answer := f.anchore("act", http.MethodDelete, "/images?force=true&imageDigests=sha256:00", ""); answer.([]any)[0].(map[string]any)["status"] != "not_found" {
			t.Errorf("delete of none: %v", answer)
		}
		// The tag moves on to an image that is not analyzed: the former one is not its own.
		nginx := f.target(outside)
		f.must(f.store.Record(t.Context(), nginx, func(view watch.RecordView) (watch.Decision, error) {
			seen := watch.Seen{Resolved: image.Resolved{Manifest: image.Digest(other)}}
			return watch.Decide(nginx, view.State, seen, subscription.Audience{Subscriptions: view.Subscriptions}, now)
		}))
		if _, answer := f.anchore("act", http.MethodDelete, seeded+"?force=true", ""); answer.(map[string]any)["status"] != "not_found" {
			t.Errorf("delete of an image that a tag has left: %v", answer)
		}
		// A list that ends in a comma has an empty digest, which is that of no image.
		for _, digests := range []string{",", "+", "sha256:00,"} {
			if _, answer := f.anchore("admin", http.MethodDelete, "/images?force=true&imageDigests="+digests, ""); strings.Contains(fmt.Sprint(answer), "deleting") {
				t.Errorf("delete of %q: %v", digests, answer)
			}
		}
		if _, answer := f.anchore("read", http.MethodGet, "/images", ""); !strings.Contains(fmt.Sprint(answer), "nginx") {
			t.Errorf("after a delete of no digest: %v", answer)
		}
	})
}

func (f *fixture) refusal(what string, status int, answer any, want int, says string) {
	f.Helper()
	body, _ := answer.(map[string]any)
	detail, _ := body["detail"].(map[string]any)
	codes, isList := detail["error_codes"].([]any)
	message, _ := body["message"].(string)
	if status != want || body["httpcode"] != float64(want) || !isList || !strings.Contains(message+fmt.Sprint(detail), says) {
		f.Errorf("%s answers %d %v %v, want %d with %q", what, status, answer, codes, want, says)
	}
}

// TestAnchoreKeepsBounds: a token that is limited to some tags sees no others, and none
// does what its scope does not include.
func TestAnchoreKeepsBounds(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		image := "/images/" + string(storetest.SeedDigest)
		for _, path := range []string{"/images", image, "/summaries/imagetags", "/subscriptions", "/events", "/query/images/by_vulnerability?vulnerability_id=CVE-2026-0001", "/query/images/by_package?name=openssl"} {
			status, answer := f.anchore("web-read", http.MethodGet, path, "")
			if text := fmt.Sprint(answer); status != http.StatusOK || strings.Contains(text, "nginx") || !strings.Contains(text, "web/shop") {
				t.Errorf("%s with bounds answers %d %v", path, status, answer)
			}
		}
		for path, want := range map[string]int{"/policies": http.StatusForbidden, "/registries": http.StatusForbidden, "/images?fulltag=" + url.QueryEscape(outside): http.StatusNotFound,
			image + "/check?tag=" + url.QueryEscape(outside): http.StatusNotFound} {
			status, answer := f.anchore("web-"+string(token.Read), http.MethodGet, path, "")
			if text := fmt.Sprint(answer); status != want || strings.Contains(strings.ReplaceAll(text, outside, ""), "nginx") {
				t.Errorf("%s with bounds answers %d %v", path, status, answer)
			}
		}
		other, answer := f.send("", http.MethodGet, "/v1/images", "", "Authorization", "Bearer "+f.tokens["read"], "x-anchore-account", "other")
		if other.StatusCode != http.StatusNotImplemented {
			t.Errorf("another account: %d %s", other.StatusCode, answer)
		}
	})
}
