package activities_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/lab"
)

// until delivers as the workflow does until that much time has passed.
func (r *rig) until(round delivery.Round, after time.Duration) delivery.Round {
	r.Helper()
	for end := r.clock.Now().Add(after); round.Pending > 0 && !round.Next.After(end); {
		r.untilNext(round)
		round = r.deliver()
	}
	return round
}

// An endpoint that comes back between two far tries of its only delivery is
// found to be back within a quarter of an hour.
func TestBackLongBeforeTheNextTry(t *testing.T) {
	t.Parallel()
	for name, pace := range map[string]endpoint.Pace{"at once": {}, "in digests": {Digest: time.Minute}, "within a rate limit": {RateLimit: 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.pacedEndpoint("", pace)
			id := r.pendingAbout("app:1")
			r.clock.advance(pace.Digest)
			r.receiver.AnswerAlways(http.StatusBadGateway)
			round := r.until(r.deliver(), 4*time.Hour) // the next scheduled pause is hours
			planned := r.deliveries()[0].NextTry
			if wait := planned.Sub(r.clock.Now()); wait < 2*time.Hour {
				t.Fatalf("the schedule's next pause is %s", wait)
			}
			r.receiver.Forget()
			r.receiver.AnswerAlways(http.StatusOK)
			back := r.clock.Now()
			if round = r.until(round, time.Hour); round.Pending > 0 || round.State.Failing() {
				t.Errorf("after an hour: %+v", round)
			}
			if took := r.clock.Now().Sub(back); took > 15*time.Minute {
				t.Errorf("found to be back after %s", took)
			}
			if got := r.ids(); !slices.Equal(got, []string{id}) {
				t.Errorf("received %v", got)
			}
		})
	}
}

// Attempts that are made early change nothing of the schedule: it is the
// standard's, and each delivery is given up at its end.
func TestEarlyAttemptsLeaveTheScheduleAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.pending(1)
	r.receiver.AnswerAlways(http.StatusServiceUnavailable)
	round := r.until(r.deliver(), 10*time.Hour)
	d := r.deliveries()[0]
	// 5 s, 5 min, 30 min, 2 h and 5 h, lengthened by at most a fifth: six tries.
	if scheduled := d.Attempts - d.Early; scheduled != 6 || d.Early < 20 {
		t.Errorf("%d attempts, %d of them early", d.Attempts, d.Early)
	}
	if most := int(10 * time.Hour / (15 * time.Minute)); d.Early > most {
		t.Errorf("%d early attempts in ten hours, want at most %d", d.Early, most)
	}
	round = r.until(round, 80*time.Hour)
	if d = r.deliveries()[0]; d.State != delivery.Failed || d.LastTry.Sub(d.Created) < r.steps.Window || round.Pending != 0 {
		t.Errorf("given up: %+v", d)
	}
	r.expect(1, "system.endpoint.failing hook", givenUp)
}

// A receiver that asks for time gets it, from early attempts too.
func TestEarlyAttemptsRespectRetryAfter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.pending(1)
	lift := r.receiver.Fail(lab.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"18000"}}})
	round := r.deliver()
	lift()
	if wait := round.Next.Sub(r.clock.Now()); wait < 5*time.Hour {
		t.Errorf("it asked for five hours and is tried again in %s", wait)
	}
}

// A body that cannot be made, or that the receiver refuses for good, is tried
// once in its turn and not in a circle.
func TestEarlyAttemptThatNotifiesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.pending(3)
	r.receiver.AnswerAlways(http.StatusBadGateway)
	round := r.until(r.deliver(), 4*time.Hour)
	r.receiver.Forget()
	r.receiver.AnswerAlways(http.StatusNotFound)
	r.until(round, 20*time.Minute)
	if got := len(r.receiver.All()); got > 2 {
		t.Errorf("%d notifications are given up within 20 minutes because of a 404", got)
	}
}

// What an endpoint's pace holds back neither keeps it from being found to be back,
// nor has it asked without a pause.
func TestEarlyAttemptsBesideWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	for name, pace := range map[string]endpoint.Pace{
		"digest": {Digest: 12 * time.Hour, DigestCount: 2}, "debouncing": {Debounce: 12 * time.Hour}, "budget": {RateLimit: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.pacedEndpoint("", pace)
			r.pendingAbout("app:1")
			r.pendingAbout("app:2")
			r.clock.advance(pace.Debounce)
			r.receiver.AnswerAlways(http.StatusBadGateway)
			round := r.until(r.deliver(), 4*time.Hour)
			r.pendingAbout("app:3")
			rounds := 0
			for end := r.clock.Now().Add(2 * time.Hour); r.clock.Now().Before(end); rounds++ {
				if round = r.deliver(); !round.Next.After(r.clock.Now()) {
					t.Fatalf("asked again without a pause: %+v", round)
				}
				r.untilNext(round)
			}
			if rounds > 40 {
				t.Errorf("%d rounds in two hours", rounds)
			}
			r.receiver.AnswerAlways(http.StatusOK)
			if round = r.until(r.deliver(), 16*time.Minute); round.State.Failing() {
				t.Errorf("not found to be back: %+v", round)
			}
		})
	}
}

// An endpoint that is bounded while it fails goes on with what was tried before.
func TestEarlyAttemptAfterAChangeOfPace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pacedEndpoint("", endpoint.Pace{})
	ids := r.pending(2)
	r.receiver.AnswerAlways(http.StatusBadGateway)
	round := r.until(r.deliver(), 4*time.Hour)
	r.pacedEndpoint("", endpoint.Pace{Digest: time.Hour})
	r.receiver.Forget()
	r.receiver.AnswerAlways(http.StatusOK)
	r.until(round, 2*time.Hour)
	if got := r.ids(); !slices.Equal(got, ids) {
		t.Errorf("received %v, want %v", got, ids)
	}
}
