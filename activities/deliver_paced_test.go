package activities_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/lab"
)

// pacedEndpoint adds the endpoint hook with bounds.
func (r *rig) pacedEndpoint(format message.Format, pace endpoint.Pace) {
	r.Helper()
	r.must(r.store.SaveEndpoint(r.Context(), endpoint.Endpoint{Name: "hook", URL: r.receiver.URL(), Format: format, Pace: pace}, r.clock.Now()))
}

// because stores a notification of that cause.
func (r *rig) because(cause notification.Cause, subject string) (id string) {
	r.Helper()
	id = fmt.Sprintf("notification-%03d", len(r.notified()))
	n, err := notification.Sample(notification.VulnUpdate, id, "admin", r.clock.Now())
	r.must(err)
	n.Subject, n.Cause, n.Summary = subject, cause, subject+": 1 vulnerability added"
	_, err = r.store.Publish(r.Context(), n, subscription.Options{}, r.steps.Window)
	r.must(err)
	return id
}

// A feed update that touches many tags is one message, which lists them all; what
// came for another reason is another one.
func TestDigestByCause(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pacedEndpoint(message.FormatSlack, endpoint.Pace{Digest: 10 * time.Minute})
	for n := range 12 {
		r.because(notification.CauseFeed, fmt.Sprintf("docker.io/app:%d", n))
	}
	r.because(notification.CausePolicy, "docker.io/other:1")
	round := r.deliver()
	if want := r.clock.Now().Add(10 * time.Minute); len(r.receiver.All()) != 0 || !round.Next.Equal(want) {
		t.Fatalf("%d messages at once, next at %v, want none and the next at %v", len(r.receiver.All()), round.Next, want)
	}
	r.untilNext(round)
	if round = r.deliver(); round.Delivered != 13 || round.Pending != 0 {
		t.Fatalf("round %+v", round)
	}
	hooks := r.receiver.All()
	if len(hooks) != 2 {
		t.Fatalf("%d messages, want one for each cause", len(hooks))
	}
	for n := range 12 {
		if subject := fmt.Sprintf("docker.io/app:%d:", n); !bytes.Contains(hooks[0].Body, []byte(subject)) {
			t.Errorf("%s is not in the message\n%s", subject, hooks[0].Body)
		}
	}
	for _, d := range r.deliveries()[:12] {
		if d.Message != hooks[0].Header.Get("webhook-id") || d.State != delivery.Delivered {
			t.Errorf("delivery %+v", d)
		}
	}
}

func TestDigestByCount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pacedEndpoint("", endpoint.Pace{Digest: time.Hour, DigestCount: 3})
	r.because(notification.CauseFeed, "docker.io/app:1")
	r.because(notification.CauseFeed, "docker.io/app:2")
	r.deliver()
	r.because(notification.CauseFeed, "docker.io/app:3")
	r.deliver()
	var body struct {
		Data struct {
			Payload struct {
				Counts        map[notification.Type]int
				Notifications []json.RawMessage
			} `json:"notification_payload"`
		}
	}
	hooks := r.receiver.All()
	if len(hooks) != 1 {
		t.Fatalf("%d messages", len(hooks))
	}
	r.must(json.Unmarshal(hooks[0].Body, &body))
	if got := body.Data.Payload; got.Counts[notification.VulnUpdate] != 3 || len(got.Notifications) != 3 {
		t.Errorf("the body has %v and %d notifications", got.Counts, len(got.Notifications))
	}
}

// A storm stays within the rate limit, minute by minute, and nothing of it is lost.
func TestBudget(t *testing.T) {
	t.Parallel()
	const rateLimit = 3
	r := newRig(t)
	r.pacedEndpoint(message.FormatDiscord, endpoint.Pace{RateLimit: rateLimit})
	notified := 0
	for range 8 {
		for range 20 {
			r.because(notification.CauseFeed, fmt.Sprintf("docker.io/some/app-%d:1", notified))
			notified++
		}
		r.receiver.Forget()
		r.deliver()
		if got := len(r.receiver.All()); got > rateLimit {
			t.Errorf("%d messages in a minute", got)
		}
		r.clock.advance(time.Minute)
	}
	for range 20 {
		if round := r.deliver(); round.Pending > 0 {
			r.untilNext(round)
		}
	}
	delivered, err := r.store.Deliveries(t.Context(), store.DeliveryFilter{State: delivery.Delivered})
	r.must(err)
	if len(delivered) != notified {
		t.Errorf("%d of %d delivered", len(delivered), notified)
	}
}

// Within the rate limit, each notification is a message of its own.
func TestCalmWithinTheBudget(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pacedEndpoint("", endpoint.Pace{RateLimit: 5})
	want := []string{r.because(notification.CauseFeed, "docker.io/app:1"), r.because(notification.CauseFeed, "docker.io/app:2")}
	r.deliver()
	if got := r.ids(); !slices.Equal(got, want) {
		t.Errorf("received %v, want %v", got, want)
	}
}

// A group is the same message at every attempt, whatever comes meanwhile and
// whenever the worker dies.
func TestGroupKeepsItsID(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for write := 1; write <= 8; write++ {
			t.Run(fmt.Sprintf("killed at write %d, after it %v", write, after), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				r.pacedEndpoint("", endpoint.Pace{Digest: time.Minute})
				for n := range 4 {
					r.because(notification.CauseFeed, fmt.Sprintf("docker.io/app:%d", n))
				}
				r.clock.advance(time.Minute)
				r.receiver.Answer(503, 503)
				r.steps.Store = &mortal{Store: r.store, at: write, after: after}
				for range 8 {
					if round := r.deliver(); round.Pending > 0 {
						r.untilNext(round)
					}
				}
				ids := r.ids()
				if slices.Sort(ids); len(slices.Compact(ids)) != 1 {
					t.Errorf("four notifications came under the ids %v", r.ids())
				}
				for _, d := range r.deliveries() {
					if d.State != delivery.Delivered {
						t.Errorf("delivery %+v", d)
					}
				}
			})
		}
	}
}

// What is sent again because somebody asks for it comes by itself.
func TestRedeliverOfAGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pacedEndpoint("", endpoint.Pace{Digest: time.Minute})
	r.because(notification.CauseFeed, "docker.io/app:1")
	id := r.because(notification.CauseFeed, "docker.io/app:2")
	r.clock.advance(time.Minute)
	r.deliver()
	r.must(r.store.Redeliver(t.Context(), []int64{r.deliveries()[1].ID}, r.clock.Now()))
	r.receiver.Forget()
	r.deliver()
	if got := r.ids(); !slices.Equal(got, []string{id}) {
		t.Errorf("received %v, want %s", got, id)
	}
}

// One notification that a template cannot put into words does not keep those
// that were to be notified with it.
func TestGroupThatCannotBeMade(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(r.store.SaveEndpoint(t.Context(), endpoint.Endpoint{Name: "hook", URL: r.receiver.URL(), Format: message.FormatTemplate, Pace: endpoint.Pace{Digest: time.Minute},
		Template: `{{range .Notifications}}{{if eq .Subject "docker.io/bad:1"}}{{index .Summary 99999}}{{end}}{{.ID}}{{end}}`}, r.clock.Now()))
	good := []string{r.because(notification.CauseFeed, "docker.io/app:1"), r.because(notification.CauseFeed, "docker.io/app:2")}
	bad := r.because(notification.CauseFeed, "docker.io/bad:1")
	r.clock.advance(time.Minute)
	round := r.deliver()
	if got := r.ids(); !slices.Equal(got, good) || round.Pending != 1 {
		t.Errorf("received %v, %d pending, want %v", got, round.Pending, good)
	}
	if last := r.deliveries()[2]; last.Notification != bad || last.Answer == "" {
		t.Errorf("nobody is notified why %s does not come: %+v", bad, last)
	}
}

// What happened to one subject comes in its order, whatever the causes.
func TestPacedOrderOfASubject(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pacedEndpoint(message.FormatText, endpoint.Pace{Digest: time.Minute})
	for n, cause := range []notification.Cause{notification.CauseFeed, notification.CausePolicy, notification.CauseFeed, notification.CauseFeed} {
		r.because(cause, []string{"docker.io/a:1", "docker.io/a:1", "docker.io/b:1", "docker.io/a:1"}[n])
	}
	r.clock.advance(time.Minute)
	r.deliver()
	var order []string
	for _, d := range r.deliveries() {
		at := slices.IndexFunc(r.receiver.All(), func(h lab.Hook) bool { return h.Header.Get("webhook-id") == d.Message })
		order = append(order, fmt.Sprintf("%s in message %d", d.Notification, at))
	}
	want := []string{"notification-000 in message 0", "notification-001 in message 1", "notification-002 in message 0", "notification-003 in message 2"}
	if !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}
