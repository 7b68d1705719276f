package delivery

import (
	"time"
)

// EndpointState is the delivery state of an endpoint.
type EndpointState struct {
	// Disabled endpoints are not sent to; Reason says why.
	Disabled bool   `json:"disabled,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// FailingSince is the first of the attempts that failed since the last
	// success; zero for a healthy endpoint.
	FailingSince time.Time `json:"failing_since,omitzero"`
	LastAnswer   string    `json:"last_answer,omitempty"`
	// Failures counts the attempts that failed since; until Probe no other is
	// made.
	Failures int       `json:"failures,omitempty"`
	Probe    time.Time `json:"probe,omitzero"`
	// Early is when the oldest delivery is sent although it is not due.
	Early time.Time `json:"early,omitzero"`
}

// Down is how many attempts in a row must fail before an endpoint counts as
// down rather than as one that refused a single notification.
const Down = 3

// longestProbe is the longest pause between two attempts at an endpoint that is
// down and has deliveries waiting.
const longestProbe = 5 * time.Minute

// earlyPause is the time between two attempts at a failing endpoint while no delivery is
// due. The later pauses of the schedule are hours: without this, a recovered endpoint
// would wait for hours.
const earlyPause = 15 * time.Minute

// Succeeded is the state after an attempt that went well.
func (s EndpointState) Succeeded(answer string) EndpointState {
	return EndpointState{LastAnswer: answer}
}

// Failed is the state after an attempt that failed and may be repeated. Until it succeeds,
// the endpoint gets one delivery at a time, at growing intervals.
func (s EndpointState) Failed(answer string, now time.Time) EndpointState {
	if s.FailingSince.IsZero() {
		s.FailingSince = now
	}
	s.Failures++
	s.LastAnswer = answer
	s.Probe = now.Add(min(5*time.Second<<min(s.Failures-1, 6), longestProbe))
	return s
}

// Quiet is the state without early attempts for a while, and within the pause that the
// endpoint requested.
func (s EndpointState) Quiet(now time.Time, retryAfter time.Duration) EndpointState {
	s.Early = now.Add(max(earlyPause, bounded(retryAfter)))
	return s
}

// Resume is when to continue with an endpoint whose next attempt is due then; zero for
// none.
func (s EndpointState) Resume(due time.Time) time.Time {
	if due.IsZero() || !s.Failing() {
		return due
	}
	if s.Early.Before(due) {
		due = s.Early
	}
	if due.Before(s.Probe) {
		due = s.Probe
	}
	return due
}

// recentFailure is how old the last failure of a failing endpoint may be: after a longer
// time nothing was sent, as while Tagwatch was stopped.
const recentFailure = 24 * time.Hour

// Refuses says why nothing is sent to an endpoint now; "" if it can be.
func (s EndpointState) Refuses(now time.Time) string {
	switch {
	case s.Disabled:
		return "the endpoint is disabled: " + s.Reason
	case s.Failing() && now.Sub(s.Probe) < recentFailure:
		return "the endpoint fails: " + s.LastAnswer
	}
	return ""
}

// Equal compares two states, whatever the locations of their times.
func (s EndpointState) Equal(other EndpointState) bool {
	times := s.FailingSince.Equal(other.FailingSince) && s.Probe.Equal(other.Probe) && s.Early.Equal(other.Early)
	return times && s.timeless() == other.timeless()
}

func (s EndpointState) timeless() EndpointState {
	s.FailingSince, s.Probe, s.Early = time.Time{}, time.Time{}, time.Time{}
	return s
}

// Failing reports whether the last attempt failed.
func (s EndpointState) Failing() bool { return !s.FailingSince.IsZero() }
