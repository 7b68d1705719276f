package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestReceiverBehindADeployment: an ingress that has lost its service answers 404, and
// then refuses the caller with 401. Nothing is lost: the endpoint is shown as failing
// meanwhile, and afterwards everything arrives.
func TestReceiverBehindADeployment(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusUnauthorized} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			i := install(t)
			lift := i.receiver.Fail(lab.Fault{Path: "/ops", Status: status})
			i.do("endpoint", "add", "ops", i.receiver.URL()+"/ops", "--type", "analysis_update")
			var references []string
			for _, name := range []string{"shop/api:1", "shop/web:1", "shop/jobs:1"} {
				references = append(references, i.push(name, lab.Debian(lab.Bookworm()...)))
			}
			i.do(append([]string{"subscribe", "--wait"}, references...)...)
			i.eventually("the endpoint is failing", func() bool {
				return strings.Contains(i.do("endpoint", "list"), "failing, began") && strings.Contains(i.do("endpoint", "show", "ops"), fmt.Sprintf("HTTP %d", status))
			})
			i.eventually("everything waits", func() bool { return len(i.deliveries("--endpoint", "ops", "--pending")) == len(references) })
			if lost := i.deliveries("--failed"); len(lost) > 0 {
				t.Errorf("given up: %+v", lost)
			}
			lift()
			i.receiver.Forget()
			i.do("endpoint", "enable", "ops") // the next attempt by itself is minutes away
			i.eventually("everything arrives", func() bool { return len(i.deliveries("--endpoint", "ops", "--state", "delivered")) == len(references) })
			for _, reference := range references {
				if !slices.ContainsFunc(i.at("/ops"), func(h lab.Hook) bool { return strings.Contains(string(h.Body), reference) }) {
					t.Errorf("nothing about %s arrived", reference)
				}
			}
			if shown := i.do("endpoint", "list"); strings.Contains(shown, "failing") {
				t.Errorf("after it is back:\n%s", shown)
			}
		})
	}
}

// TestReceiverThatRefusesABody: the notification is given up, which the event log and
// every list say.
func TestReceiverThatRefusesABody(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do("endpoint", "add", "audit", i.receiver.URL()+"/audit", "--type", "event_log")
	i.do("endpoint", "add", "ops", i.receiver.URL()+"/ops", "--type", "analysis_update")
	lift := i.receiver.Fail(lab.Fault{Path: "/ops", Status: http.StatusUnprocessableEntity, Body: "no such field"})
	i.do("subscribe", "--wait", i.push("shop/api:1", lab.Debian(lab.Bookworm()...)))
	i.eventually("the event log knows", func() bool {
		return slices.ContainsFunc(i.at("/audit"), func(h lab.Hook) bool {
			body := string(h.Body)
			return strings.Contains(body, "system.endpoint.notifications_given_up") && strings.Contains(body, "HTTP 422: no such field")
		})
	})
	if shown := i.do("endpoint", "list"); !strings.Contains(shown, "giving up: 1 notification failed within 24h") {
		t.Errorf("the list says\n%s", shown)
	}
	lift()
	i.do("redeliver", "--failed", "--since", "99h", "--endpoint", "ops")
	i.eventually("it is sent again", func() bool { return len(i.deliveries("--endpoint", "ops", "--state", "delivered")) == 1 })
	if shown := i.do("endpoint", "list"); strings.Contains(shown, "giving up") {
		t.Errorf("the list still says\n%s", shown)
	}
}
