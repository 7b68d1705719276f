package api_test

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/token"
)

var requests = flag.Int("requests", 300, "how many random requests are sent to each database")

// mostOfAnswer is above what any page has in these tests, in bytes.
const mostOfAnswer = 256 << 10

// TestEveryRoute: each operation of the document needs a token, its scope, and one without
// bounds if it is about the whole installation, whatever else the request is.
func TestEveryRoute(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		document, g := read(t), newGenerator(t, 1, "x")
		for n, o := range g.operations {
			if n%20 == 0 {
				f.renew(n)
			}
			if !slices.Contains(token.Scopes, o.Scope) {
				t.Errorf("%s needs the scope %q", o.Name, o.Scope)
			}
			for range 3 {
				path, body, headers := g.request(o)
				refused := func(name, what string, status int) {
					response, answer := f.send(name, o.method, path, body, headers...)
					f.expect(response, answer)(status, o.Name+" "+what)
					document.validate(t, o.Name, response, answer)
				}
				refused("", "without a token", http.StatusUnauthorized)
				for _, scope := range token.Scopes {
					if !scope.Allows(o.Scope) {
						refused("fuzz-"+string(scope), "with the scope "+string(scope), http.StatusForbidden)
					}
				}
				if o.Whole {
					refused("bounded-fuzz-"+string(o.Scope), "with bounds", http.StatusForbidden)
				}
			}
		}
	})
}

// TestRandomRequests: whatever the request is, the answer is as described, has a bound, and
// is not a failure. A token with bounds sees no name of what is outside of them.
func TestRandomRequests(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		seed := uint64(time.Now().UnixNano())
		known := []string{inside, "ghcr.io/web/shop", f.deliveries(inside)[0].Notification, fmt.Sprint(f.deliveries(inside)[0].ID)}
		hidden := []string{outside, "docker.io/library/nginx", f.deliveries(outside)[0].Notification, fmt.Sprint(f.deliveries(outside)[0].ID)}
		g := newGenerator(t, seed, slices.Concat(known, hidden, []string{"ops", "shop", "default", "read", "policy_eval", "vuln_update", "file", "1", "CVE-2026-0001", "pkg:deb/debian/openssl", "linux/amd64", "nginx:1.27", "new"})...)
		document, statuses := read(t), map[int]int{}
		defer func() { t.Logf("seed %d: answers by status: %v", seed, statuses) }()
		for n := range *requests {
			if n%100 == 0 {
				f.renew(n)
			}
			o := g.operations[g.random.IntN(len(g.operations))]
			path, body, headers := g.request(o)
			name := "fuzz-" + string(token.Scopes[g.random.IntN(len(token.Scopes))])
			if g.random.IntN(3) == 0 {
				name = "bounded-" + name
			}
			response, answer := f.send(name, o.method, path, body, headers...)
			statuses[response.StatusCode]++
			what := fmt.Sprintf("request %d: %s %s %.300s of %s", n, o.method, path, body, name)
			if response.StatusCode >= 500 || len(answer) > mostOfAnswer {
				t.Errorf("%s: %d with %d bytes: %.300s", what, response.StatusCode, len(answer), answer)
			}
			if response.StatusCode < 300 || response.StatusCode >= 400 {
				document.validate(t, o.Name, response, answer)
			}
			sent := path + body + strings.Join(headers, " ")
			for _, secret := range []string{`"` + outside + `"`, hidden[2], `"docker.io/library/nginx"`} {
				if strings.HasPrefix(name, "bounded-") && strings.Contains(answer, secret) && !strings.Contains(sent, "nginx") && !strings.Contains(sent, hidden[2]) {
					t.Errorf("%s shows %s", what, answer)
				}
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	})
}

// renew makes tokens that have not sent anything: their rate is limited.
func (f *fixture) renew(n int) {
	f.Helper()
	for _, scope := range token.Scopes {
		for name, bounds := range map[string]token.Bounds{"fuzz-": nil, "bounded-fuzz-": {"ghcr.io/web/*"}} {
			made, text, err := token.New(fmt.Sprintf("%s%s-%d", name, scope, n), scope, bounds, now.Add(-time.Hour), time.Time{})
			f.must(err)
			f.must(f.store.SaveToken(f.Context(), made))
			f.tokens[name+string(scope)] = text
		}
	}
}
