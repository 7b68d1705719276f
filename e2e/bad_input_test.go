package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestRefusals: what cannot be subscribed to is refused with a clear sentence
// and the right exit code, and leaves nothing behind.
func TestRefusals(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	private := made(lab.NewRegistry())(t)
	t.Cleanup(func() { private.Close() })
	private.RequireBasicAuth("user", "secret")
	for _, refusal := range []struct {
		name, reference, says string
		code                  int
	}{
		{"malformed reference", i.registry.Host() + "/Shop/API:1", "lower-case", 2},
		{"no such digest", i.registry.Host() + "/shop/api@sha256:" + strings.Repeat("0", 64), "404 Not Found", 1},
		{"a digest too short", i.registry.Host() + "/shop/api@sha256:0", "64 hexadecimal digits", 2},
		{"unknown host", "registry.invalid/shop/api:1", "registry.invalid", 2},
		{"nobody listens", "127.0.0.1:1/shop/api:1", "127.0.0.1:1", 2},
		{"no such tag", i.registry.Host() + "/shop/api:2", "404 Not Found", 1},
		{"no such repository", i.registry.Host() + "/shop/none:1", "404 Not Found", 1},
		{"credentials missing", private.Host() + "/shop/api:1", "docker login " + private.Host(), 1},
		{"unknown endpoint", i.registry.Host() + "/shop/api:1 --endpoint nobody", "tagwatch endpoint add nobody", 1},
	} {
		arguments := append([]string{"subscribe"}, strings.Fields(refusal.reference)...)
		result := made(i.Run(t.Context(), arguments...))(t)
		if result.Code != refusal.code || !strings.Contains(result.Err, refusal.says) || strings.Count(result.Err, "\n") > 3 {
			t.Errorf("%s: exit code %d, want %d; it says %q, which should be short and contain %q",
				refusal.name, result.Code, refusal.code, result.Err, refusal.says)
		}
		if strings.Contains(result.Err, "secret") {
			t.Errorf("%s: the password shows in %q", refusal.name, result.Err)
		}
	}
	if left := i.do("subscriptions", "-o", "json"); left != "[]\n" {
		t.Errorf("refused subscriptions left %s", left)
	}
}

// TestRegistryOutage: a registry that is down changes nothing, and what changed
// meanwhile is notified afterwards.
func TestRegistryOutage(t *testing.T) {
	t.Parallel()
	i := install(t)
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", "--wait", reference)
	i.notified(1)
	lift := i.registry.Fail(lab.Fault{Status: http.StatusServiceUnavailable})
	i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	i.do("rescan", reference)
	i.eventually("the problem shows", func() bool { return strings.Contains(i.do("status", reference), "Problem") })
	if found := i.notified(1); len(found) != 1 {
		t.Errorf("an outage was notified as %v", kinds(found))
	}
	lift()
	i.do("rescan", reference)
	if got := kinds(i.notified(3)); got["tag_update"] != 1 || got["analysis_update"] != 2 {
		t.Errorf("notified %v, want the move and the second analysis", got)
	}
}
