package operations

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// TagStatus is the state of a tag.
type TagStatus struct {
	Target image.Target `json:"target"`
	Digest image.Digest `json:"digest,omitempty"`
	Index  image.Digest `json:"index_digest,omitempty"`
	// Since is when the tag was first seen to point to the digest.
	Since    time.Time    `json:"digest_since,omitzero"`
	Analyzed image.Digest `json:"analyzed_digest,omitempty"`
	// Pin is the digest that the tag was to point to; it may have left it.
	Pin     image.Digest `json:"pin,omitempty"`
	LeftPin bool         `json:"left_pin,omitempty"`
	// Pending is since when the image waits to be analyzed and matched; what follows
	// is about the analyzed one.
	Pending  time.Time           `json:"analyzing_since,omitzero"`
	Build    string              `json:"data_build,omitempty"`
	Matched  bool                `json:"matched"`
	Counts   vuln.Counts         `json:"vulnerabilities"`
	Coverage vuln.Coverage       `json:"coverage,omitzero"`
	Status   policy.Status       `json:"policy_status,omitempty"`
	Action   policy.Action       `json:"final_action,omitempty"`
	Types    []notification.Type `json:"types,omitempty"`
	// Unreadable are files of the analyzed image that could not be read for their
	// packages.
	Unreadable []sbom.Unreadable `json:"unreadable_files,omitempty"`
	// Labels are those of its subscriptions.
	Labels  map[string]string `json:"labels,omitempty"`
	Problem *Problem          `json:"problem,omitempty"`
	// Running is what workloads run of the tag; missing if no source says so.
	Running *workload.Running `json:"running,omitempty"`
	// Checked is when the registry last answered about the tag, NextCheck when it is
	// asked next, and Interval how often. A resync checks everything else too.
	Checked   time.Time `json:"checked,omitzero"`
	NextCheck time.Time `json:"next_check,omitzero"`
	Interval  string    `json:"interval,omitempty"`
	Resynced  time.Time `json:"resynced,omitzero"`
	Changed   time.Time `json:"changed,omitzero"`
	// Next is when time alone can change the outcome.
	Next time.Time `json:"next_change,omitzero"`
	Live *Live     `json:"live,omitempty"`
}

// statusOf shows a summary.
func statusOf(sum watch.Summary) TagStatus {
	status := TagStatus{Target: sum.Target, Digest: sum.Resolved.Manifest, Index: sum.Resolved.Index, Since: sum.Since, Analyzed: sum.Analyzed, Pending: sum.Pending,
		Build: sum.Build, Matched: sum.Matched, Counts: sum.Counts, Coverage: sum.Coverage, Status: sum.Status, Action: sum.FinalAction,
		Problem: ProblemOf(sum.Problem), Checked: sum.Checked, NextCheck: sum.NextCheck, Resynced: sum.Resynced, Changed: sum.Changed, Next: sum.Next}
	if sum.Interval > 0 {
		status.Interval = polling.IntervalText(sum.Interval)
	}
	return status
}

// Steady leaves out the times of checks that found nothing.
func (t TagStatus) Steady() TagStatus {
	t.Checked, t.NextCheck, t.Resynced = time.Time{}, time.Time{}, time.Time{}
	if t.Live != nil {
		live := *t.Live
		live.NextResync = time.Time{}
		t.Live = &live
	}
	return t
}
