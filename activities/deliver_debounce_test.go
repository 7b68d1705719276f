package activities_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// moves stores that a tag moved between two images, and returns the id.
func (r *rig) moves(tag, from, to string) string {
	r.Helper()
	target, err := image.ParseTarget(tag)
	r.must(err)
	digest := func(digit string) notification.Evidence {
		return notification.Evidence{Image: image.Resolved{Manifest: image.Digest("sha256:" + strings.Repeat(digit, 64))}}
	}
	id := fmt.Sprintf("notification-%03d", len(r.notified()))
	n, err := notification.New(notification.Heading{ID: id, Account: "admin", Causes: []notification.Cause{notification.CauseImage}, Created: r.clock.Now()},
		notification.TagMoved{Target: target, Before: digest(from), After: digest(to)})
	r.must(err)
	_, err = r.store.Publish(r.Context(), n, subscription.Options{}, r.steps.Window)
	r.must(err)
	return id
}

func (r *rig) debounced() []delivery.Delivery {
	r.Helper()
	list, err := r.store.Deliveries(r.Context(), store.DeliveryFilter{State: delivery.Debounced})
	r.must(err)
	return list
}

// A tag that moves there and back within the window is not notified; that it did is
// counted, says why, and can be sent on demand. What is there to stay is notified once
// the window is over.
func TestDebouncedFlapping(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pacedEndpoint("", endpoint.Pace{Debounce: 10 * time.Minute})
	there := r.moves("docker.io/library/app:1", "a", "b")
	stays := r.moves("docker.io/library/other:1", "a", "b")
	round := r.deliver()
	if want := r.clock.Now().Add(10 * time.Minute); !round.Next.Equal(want) || round.Pending != 2 {
		t.Errorf("round %+v, want the next at %s", round, want)
	}
	r.clock.advance(4 * time.Minute)
	back := r.moves("docker.io/library/app:1", "b", "a")
	if round = r.deliver(); round.Debounced != 2 || round.Pending != 1 {
		t.Errorf("round %+v", round)
	}
	r.untilNext(round)
	r.deliver()
	if got := r.ids(); !slices.Equal(got, []string{stays}) {
		t.Errorf("received %v, want %s alone", got, stays)
	}
	found := r.debounced()
	if len(found) != 2 || !strings.Contains(found[0].Answer, there+" to "+back) {
		t.Fatalf("debounced %+v", found)
	}
	r.must(r.store.Redeliver(t.Context(), []int64{found[0].ID, found[1].ID}, r.clock.Now()))
	r.receiver.Forget()
	if r.deliver(); !slices.Equal(r.ids(), []string{there, back}) {
		t.Errorf("sent on demand: %v", r.ids())
	}
}

// An endpoint that is down holds everything for longer than the window: only what
// was undone within it is debounced.
func TestOutageDampsNoMoreThanTheWindow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pacedEndpoint("", endpoint.Pace{Debounce: 10 * time.Minute})
	want := []string{r.moves("docker.io/library/other:1", "a", "b")}
	r.clock.advance(10 * time.Minute)
	r.receiver.AnswerAlways(http.StatusBadGateway)
	round := r.deliver()
	want = append(want, r.moves("docker.io/library/app:1", "a", "b"))
	r.clock.advance(11 * time.Minute)
	want = append(want, r.moves("docker.io/library/app:1", "b", "a"))
	r.clock.advance(time.Hour)
	r.receiver.Forget()
	r.receiver.AnswerAlways(http.StatusOK)
	round = r.until(r.deliver(), time.Hour)
	if got := r.ids(); !slices.Equal(got, want) || round.Pending > 0 {
		t.Errorf("received %v, want %v", got, want)
	}
	if found := r.debounced(); len(found) > 0 {
		t.Errorf("debounced %+v", found)
	}
}

// Debouncing and a digest together: what remains is notified in one message, in order.
func TestDebouncedDigest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pacedEndpoint("", endpoint.Pace{Debounce: time.Minute, Digest: 5 * time.Minute})
	for _, digits := range []string{"ab", "bc", "cb", "bd"} {
		r.moves("docker.io/library/app:1", digits[:1], digits[1:])
		r.clock.advance(10 * time.Second)
	}
	round := r.until(r.deliver(), time.Hour)
	if hooks := r.receiver.All(); len(hooks) != 1 || round.Pending > 0 {
		t.Errorf("%d messages, round %+v", len(hooks), round)
	}
	states := ""
	for _, d := range r.deliveries() {
		states += string(d.State) + " "
	}
	if states != "delivered debounced debounced delivered " {
		t.Errorf("deliveries are %s", states)
	}
}
