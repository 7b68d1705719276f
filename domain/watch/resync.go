package watch

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Observation is what the first step of a pass sees: the registry, and in the
// store what an outcome would be made from today.
type Observation struct {
	// Active reports that somebody is subscribed; without, the watcher ends. Types
	// are what the subscriptions ask for.
	Active bool
	Types  []notification.Type
	// Every is the time between two passes when nothing else asks for one,
	// jitter included.
	Every time.Duration
	// Poll is how often the registry's poller checks the tag.
	Poll time.Duration
	// Resolved is what the tag points to, or what it last pointed to if Problem
	// says that the registry could not be asked. Empty: never resolved.
	Resolved image.Resolved
	// Analyzed reports that this image is analyzed; Unfit is why it cannot be.
	Analyzed bool
	Unfit    *condition.Problem
	// Image is the one that outcomes are made for: what the tag points to, or until
	// that is analyzed the image before it. Empty: none yet. Matched reports that it
	// is matched.
	Image   image.Digest
	Matched bool
	// Changed reports that the recorded outcome may be out of date.
	Changed bool
	// Summary is what is recorded, which others than the watcher may have done;
	// nil before the first record.
	Summary *Summary `json:",omitempty"`
	// Next is when time alone can change the outcome; zero for never.
	Next    time.Time
	Problem *condition.Problem
	// Noted reports that it is noted that steps of the tag keep failing.
	Noted bool
	// Delay is why the analysis that the image needs is not to be expected; nil if
	// it has to wait for its turn only.
	Delay *condition.Problem
	// RetryAfter is how long the registry asked to wait; zero if it did not.
	RetryAfter time.Duration
}

// Recorded is the outcome of a pass, in the numbers that a person looks for.
type Recorded struct {
	Summary       Summary
	Notifications []Notified
	// Endpoints have new deliveries and want to be woken.
	Endpoints []string
}

// FirstRecord is what was recorded of a new tag before its watcher was started.
type FirstRecord struct {
	// Recorded is the outcome; Types are subscribed.
	Recorded Recorded
	Types    []notification.Type
	// Poll is how often the registry's poller checks the tag.
	Poll time.Duration
	// Rest is the time until the watcher's first resync; zero if there is more to do.
	Rest time.Duration
}

// Notified is a notification in one line.
type Notified struct {
	ID   string            `json:"id"`
	Type notification.Type `json:"type"`
	Line string            `json:"line"`
	At   time.Time         `json:"at"`
}

// Summary is a target's state without its documents.
type Summary struct {
	Target      image.Target       `json:"target,omitzero"`
	Resolved    image.Resolved     `json:"resolved,omitzero"`
	Since       time.Time          `json:"since,omitzero"`
	Analyzed    image.Digest       `json:"analyzed,omitempty"`
	Pending     time.Time          `json:"pending,omitzero"`
	Build       string             `json:"build,omitempty"`
	Matched     bool               `json:"matched,omitempty"`
	Counts      vuln.Counts        `json:"counts,omitzero"`
	Coverage    vuln.Coverage      `json:"coverage,omitzero"`
	Status      policy.Status      `json:"status,omitempty"`
	FinalAction policy.Action      `json:"final_action,omitempty"`
	Problem     *condition.Problem `json:"problem,omitempty"`
	// Checked is when the registry last answered about the tag, to a poll or a
	// resync; NextCheck when it is polled next, and Interval how often. Resynced is
	// the last resync that it answered. A summary that a workflow holds knows of
	// resyncs only.
	Checked   time.Time     `json:"checked,omitzero"`
	NextCheck time.Time     `json:"next_check,omitzero"`
	Interval  time.Duration `json:"interval,omitempty"`
	Resynced  time.Time     `json:"resynced,omitzero"`
	Changed   time.Time     `json:"changed,omitzero"`
	Next      time.Time     `json:"next,omitzero"`
}

// Headline is the policy status, or the reason why there is none yet.
func (s Summary) Headline() string {
	switch {
	case s.Status == "" && s.Analyzed == "":
		return "not analyzed"
	case s.Status == "" && !s.Matched:
		return "not matched"
	case s.Status == "":
		return "not evaluated"
	case s.Status == policy.Pass && s.FinalAction == policy.Warn:
		return "pass (warn)"
	}
	return string(s.Status)
}

// Summarize leaves a state's documents out.
func (s State) Summarize(target image.Target) Summary {
	sum := Summary{Target: target, Resolved: s.Resolved, Since: s.Since, Analyzed: s.Analyzed, Pending: s.Pending, Build: s.Basis.Build,
		Matched: s.Matched, Counts: s.Counts, Coverage: s.Coverage, Problem: s.Problem, Checked: s.Checked, Resynced: s.Checked, Changed: s.Changed, Next: s.Next}
	if s.Evaluation != nil {
		sum.Status, sum.FinalAction = s.Evaluation.Status, s.Evaluation.FinalAction
	}
	return sum
}
