package watch

import (
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// advance is the state after a pass. What the pass could not find out stays as
// it was.
func advance(before State, seen Seen, now time.Time) State {
	after := before
	after.Revision++
	after.Resolved, after.Next = seen.Resolved, seen.Next
	after.Problem = seen.Problem
	if before.Resolved.Manifest != after.Resolved.Manifest {
		after.Since = now
	}
	// An image of which the vulnerabilities are not known yet does not take the
	// place of one of which they are: lists are only compared whole.
	if seen.Matched || !before.Matched {
		after.Basis = seen.Basis
		if seen.Analyzed != "" {
			after.Analyzed = seen.Analyzed
		}
	}
	if seen.Matched {
		after.Matched, after.Vulnerabilities = true, essentials(seen.Vulnerabilities)
		carryNotified(before.Vulnerabilities, after.Vulnerabilities)
		after.Coverage = seen.Coverage
		after.Counts = vuln.Counts{}
		for _, f := range after.Vulnerabilities {
			after.Counts.Add(f.Severity)
		}
	}
	if seen.Evaluation != nil {
		after.Evaluation = seen.Evaluation
	}
	after.Pending = pendingSince(before, after, seen.Problem, now)
	if differs(before, after) {
		after.Changed = now
	}
	return after
}

// pendingSince is since when the image that the tag points to waits to become the
// one that outcomes are about.
func pendingSince(before, after State, problem *condition.Problem, now time.Time) time.Time {
	switch {
	case after.Analyzed == after.Resolved.Manifest || problem != nil && problem.Stage != condition.StageEvaluate:
		return time.Time{}
	case before.Resolved.Manifest == after.Resolved.Manifest && !before.Pending.IsZero():
		return before.Pending
	}
	return now
}

func differs(before, after State) bool {
	return before.Resolved != after.Resolved || before.Analyzed != after.Analyzed ||
		before.Coverage != after.Coverage ||
		!vuln.Diff(before.Vulnerabilities, after.Vulnerabilities).Empty() ||
		(before.Evaluation == nil) != (after.Evaluation == nil) ||
		before.Evaluation != nil && before.Evaluation.FinalAction != after.Evaluation.FinalAction
}

// essentials drops what a later comparison or notification does not need.
func essentials(findings []vuln.Finding) []vuln.Finding {
	kept := slices.Clone(findings)
	for i := range kept {
		score := kept[i].BaseScore()
		kept[i].Description, kept[i].URLs, kept[i].CVSS, kept[i].Hows, kept[i].CWEs = "", nil, nil, nil, nil
		if score > 0 {
			kept[i].CVSS = []vuln.CVSS{{Base: score}} // filters read it
		}
		kept[i].Related = slices.Clone(kept[i].Related)
		for j := range kept[i].Related {
			kept[i].Related[j].CVSS = nil
		}
	}
	return kept
}
