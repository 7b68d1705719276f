package activities_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/lab"
)

// sized starts a receiver that answers 413 to bodies larger than most, and an
// endpoint that sends there.
func (r *rig) sized(most int, e endpoint.Endpoint) *lab.Receiver {
	r.Helper()
	receiver := start(r, lab.NewReceiver)
	receiver.Refuse(func(hook lab.Hook) int {
		if len(hook.Body) > most {
			return http.StatusRequestEntityTooLarge
		}
		return 0
	})
	e.Name, e.URL, e.Types = "hook", receiver.URL(), []notification.Type{notification.TagUpdate, notification.RepoUpdate}
	r.must(r.store.SaveEndpoint(r.Context(), e, r.clock.Now()))
	return receiver
}

// pendingTags stores a repo_update with many tags.
func (r *rig) pendingTags(count int) (id string) {
	r.Helper()
	n, err := notification.Sample(notification.RepoUpdate, "tags-"+r.clock.Now().Format(time.RFC3339), "admin", r.clock.Now())
	r.must(err)
	tags := `"` + strings.Repeat(`v1.2.3-some-tag","`, count) + `last"`
	n.Payload = []byte(strings.Replace(string(n.Payload), `["test"]`, "["+tags+"]", 1))
	_, err = r.store.Publish(r.Context(), n, subscription.Options{}, r.steps.Window)
	r.must(err)
	r.clock.advance(time.Second)
	return n.ID
}

// TestSlimFormWhereTheSizeIsRefused arrives at once, under the same id, and before
// what follows; the endpoint is healthy, and the delivery says what was done.
func TestSlimFormWhereTheSizeIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	receiver := r.sized(20_000, endpoint.Endpoint{})
	want := []string{r.pendingTags(5000), r.pendingTags(1)}
	if round := r.deliver(); round.Delivered != 2 || r.health() != delivery.HealthGood {
		t.Errorf("round %+v, health %s", round, r.health())
	}
	hooks := receiver.All()
	if len(hooks) != 3 {
		t.Fatalf("%d requests", len(hooks))
	}
	if ids := dataIDs(r, hooks); !slices.Equal(ids, []string{want[0], want[0], want[1]}) {
		t.Errorf("received %v, want %v", ids, want)
	}
	if body := string(hooks[1].Body); !strings.Contains(body, `"because":"size_refused"`) || !strings.Contains(body, `"new_tags":5001`) {
		t.Errorf("the second body is %s", body)
	}
	if d := r.deliveries()[0]; !d.Slim || d.Attempts != 2 || !strings.Contains(d.Answer, "slim form") {
		t.Errorf("delivery %+v", d)
	}
}

// TestSizeRefusedForGood: the slim form too, or a format that has none.
func TestSizeRefusedForGood(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		format   message.Format
		attempts int
	}{{message.FormatAnchore, 2}, {message.FormatCloudEvents, 2}, {message.FormatSlim, 1}, {message.FormatText, 1}} {
		t.Run(string(test.format), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			receiver := r.sized(10, endpoint.Endpoint{Format: test.format})
			r.pendingTags(100)
			round := r.deliver()
			if got := len(receiver.All()); got != test.attempts || round.Failed != 1 || r.health() != delivery.HealthGivingUp {
				t.Errorf("%d attempts, round %+v, health %s", got, round, r.health())
			}
			r.expect(1, givenUp)
		})
	}
}

// TestSlimFormIsRetried as slim form when the receiver is down meanwhile, and on
// the schedule of a first failure.
func TestSlimFormIsRetried(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook", notification.RepoUpdate)
	r.pendingTags(5000)
	r.receiver.Answer(http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable)
	round := r.deliver()
	if wait := round.Next.Sub(r.clock.Now()); wait > 10*time.Second || !r.deliveries()[0].Slim {
		t.Errorf("retried after %s: %+v", wait, r.deliveries()[0])
	}
	r.untilNext(round)
	if round = r.deliver(); round.Delivered != 1 {
		t.Errorf("round %+v", round)
	}
	if hooks := r.receiver.All(); len(hooks) != 3 || !strings.Contains(string(hooks[2].Body), "size_refused") {
		t.Errorf("%d requests", len(hooks))
	}
}

// TestGroupWhoseSizeIsRefused: a group that is too large is sent in the slim form, and
// one by one if that is too large as well: nothing is lost.
func TestGroupWhoseSizeIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		format message.Format
		most   int
		want   int // requests
	}{
		{"slim", message.FormatAnchore, 20_000, 2},
		{"one by one", message.FormatAnchore, 2_500, 2 + 5},
		{"one by one without a slim form", message.FormatText, 200, 1 + 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			receiver := r.sized(test.most, endpoint.Endpoint{Format: test.format, Pace: endpoint.Pace{Digest: time.Minute}})
			for range 5 {
				r.pendingTags(1000)
			}
			r.clock.advance(2 * time.Minute)
			if round := r.deliver(); round.Delivered != 5 || r.health() != delivery.HealthGood {
				t.Errorf("round %+v, health %s", round, r.health())
			}
			if got := len(receiver.All()); got != test.want {
				t.Errorf("%d requests, want %d", got, test.want)
			}
		})
	}
}

// TestSizeRefusedByAServer that reads no more than it takes, and closes.
func TestSizeRefusedByAServer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sender, err := webhook.New(webhook.Options{})
	r.must(err)
	t.Cleanup(sender.Close)
	server, err := lab.Serve(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.ContentLength > 100_000 {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}))
	r.must(err)
	t.Cleanup(func() { _ = server.Close() })
	r.must(r.store.SaveEndpoint(t.Context(), endpoint.Endpoint{Name: "hook", URL: server.URL()}, r.clock.Now()))
	r.pendingTags(200_000)
	round := r.deliver()
	for round.Delivered == 0 && !round.Next.IsZero() && len(r.deliveries()) > 0 && r.deliveries()[0].Attempts < 5 {
		r.untilNext(round)
		round = r.deliver()
	}
	if d := r.deliveries()[0]; d.State != delivery.Delivered || !d.Slim {
		t.Errorf("delivery %+v", d)
	}
}
