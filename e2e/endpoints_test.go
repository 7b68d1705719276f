package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/contract"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// delivered is what deliveries -o json says of one.
type delivered struct {
	ID           int64
	Notification string
	State        string
	Group        string
	Answer       string
}

func (i *installation) deliveries(arguments ...string) []delivered {
	i.t.Helper()
	var found []delivered
	must(i.t, json.Unmarshal([]byte(i.do(append([]string{"deliveries", "--limit", "1000", "-o", "json"}, arguments...)...)), &found))
	return found
}

// at are the requests that reached one path of the receiver.
func (i *installation) at(path string) []lab.Hook {
	return slices.DeleteFunc(i.receiver.All(), func(h lab.Hook) bool { return h.Path != path })
}

// TestStormControl sends one feed update that touches many tags through real
// endpoints of every kind: each notification is notified exactly once, and a chat room
// gets one message that lists them all.
func TestStormControl(t *testing.T) {
	t.Parallel()
	const tags = 12
	schemas := made(contract.Open("../docs/schemas"))(t)
	i := install(t)
	var references []string
	for n := range tags {
		references = append(references, i.push(fmt.Sprintf("shop/api-%d:1", n), lab.Debian(lab.Bookworm()...)))
	}
	i.do(append([]string{"subscribe", "--wait", "--type", "vuln_update"}, references...)...)
	for name, options := range map[string][]string{
		"chat":   {"--format", "slack", "--digest", "10s"},
		"batch":  {"--format", "cloudevents", "--digest", "10s"},
		"brief":  {"--format", "slim", "--digest", "1m", "--digest-count", fmt.Sprint(tags)},
		"anchor": {"--digest", "10s"},
		"calm":   {"--per-minute", "2"},
	} {
		i.do(append([]string{"endpoint", "add", name, i.receiver.URL() + "/" + name, "--type", "vuln_update"}, options...)...)
	}
	i.receiver.Forget()
	i.offer(append(flaws("High"), feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-3003", Package: "openssl", Severity: "Critical"})...)
	i.do("feed", "sync")

	for _, name := range []string{"chat", "batch", "brief", "anchor"} {
		i.eventually(name+" has everything", func() bool { return len(i.deliveries("--endpoint", name, "--state", "delivered")) == tags })
		hooks := i.at("/" + name)
		if len(hooks) != 1 {
			t.Errorf("%s got %d messages for one feed update", name, len(hooks))
		}
		for _, reference := range references {
			if !bytes.Contains(hooks[0].Body, []byte(reference)) {
				t.Errorf("%s is not listed for %s: %s", reference, name, hooks[0].Body)
			}
		}
		for _, d := range i.deliveries("--endpoint", name) {
			if d.Group != hooks[0].Header.Get("webhook-id") {
				t.Errorf("delivery %+v does not name the message %s", d, hooks[0].Header.Get("webhook-id"))
			}
		}
		if name != "chat" {
			_, err := schemas.Check(hooks[0].Header.Get("Content-Type"), hooks[0].Body)
			must(t, err)
		}
	}
	i.eventually("the rest is notified within the budget", func() bool { return len(i.deliveries("--endpoint", "calm", "--state", "delivered")) == tags })
	if hooks := i.at("/calm"); len(hooks) > 3 {
		t.Errorf("%d messages with a budget of two a minute", len(hooks))
	}
}

// TestDebouncedTag: a tag that moves there and back is notified to one endpoint and not
// to another, which says so and sends it on demand.
func TestDebouncedTag(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do("endpoint", "add", "steady", i.receiver.URL()+"/steady", "--type", "tag_update", "--debounce", "40s")
	first, second := lab.Debian(lab.Bookworm()...), lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...)
	reference := i.push("shop/api:1", first)
	i.do("subscribe", "--wait", "--type", "tag_update", reference)
	for _, image := range []lab.Part{second, first} {
		i.push("shop/api:1", image)
		before := len(i.at("/"))
		i.do("rescan", reference)
		i.eventually("the move is notified at once", func() bool { return len(i.at("/")) > before })
	}
	i.eventually("both moves are debounced", func() bool { return len(i.deliveries("--debounced")) == 2 })
	debounced := i.deliveries("--debounced")
	if len(i.at("/steady")) > 0 || !strings.Contains(debounced[0].Answer, "2 changes within") {
		t.Errorf("debounced %+v, and sent %d", debounced, len(i.at("/steady")))
	}
	if shown := i.do("endpoint", "show", "steady"); !strings.Contains(shown, "2 debounced") {
		t.Errorf("shown is\n%s", shown)
	}
	i.do("redeliver", "--since", "1h", "--endpoint", "steady", "--debounced")
	i.eventually("they are sent on demand", func() bool { return len(i.at("/steady")) == 2 })
}

// TestTroubledEndpoint: one that is gone is disabled, announced once through
// another, shown, and goes on where it was when a person enables it.
func TestTroubledEndpoint(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do("endpoint", "add", "audit", i.receiver.URL()+"/audit", "--type", "event_log")
	lift := i.receiver.Fail(lab.Fault{Path: "/ops", Status: http.StatusGone})
	i.do("endpoint", "add", "ops", i.receiver.URL()+"/ops")
	i.do("subscribe", "--wait", i.push("shop/api:1", lab.Debian(lab.Bookworm()...)))
	i.eventually("the endpoint is disabled", func() bool {
		return strings.Contains(i.do("endpoint", "show", "ops"), "disabled: it answered 410 Gone")
	})
	i.eventually("another one hears of it", func() bool { return len(i.at("/audit")) > 0 })
	if body := string(i.at("/audit")[0].Body); !strings.Contains(body, "system.endpoint.disabled") {
		t.Errorf("the event log received %s", body)
	}
	lift()
	i.receiver.Forget()
	i.do("endpoint", "enable", "ops")
	i.eventually("what waited arrives", func() bool { return len(i.at("/ops")) == 1 && len(i.deliveries("--pending")) == 0 })
}
