package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// shownAttributes are the search attributes as they were last set.
type shownAttributes struct {
	digest, policy string
	coverage       string
	critical, high int
}

// show shows the state in the current details of the run and in its search attributes.
func (w *tagWatcher) show(ctx workflow.Context) {
	setDetails(ctx, w.Target.String(), w.Details())
	now := w.outcome()
	if now == w.shown || now.digest == "" {
		return
	}
	if upsert(ctx, now.labels()...) {
		w.shown = now
	}
}

func (a shownAttributes) labels() []temporal.SearchAttributeUpdate {
	return []temporal.SearchAttributeUpdate{AttributeDigest.ValueSet(a.digest), AttributePolicy.ValueSet(policyAttribute(a.policy)),
		AttributeCritical.ValueSet(int64(a.critical)), AttributeHigh.ValueSet(int64(a.high)),
		AttributeCoverage.ValueSet(a.coverage)}
}

// label sets all search attributes again.
func (w *tagWatcher) label(ctx workflow.Context) { upsert(ctx, w.Labels()...) }

// Labels are all search attributes of a tag's watcher.
func (s TagState) Labels() []temporal.SearchAttributeUpdate {
	labels := TagLabels(s.Target)
	if now := s.outcome(); now.digest != "" {
		labels = append(labels, now.labels()...)
	}
	return labels
}

func (s TagState) outcome() shownAttributes {
	return shownAttributes{digest: string(s.Summary.Analyzed), policy: string(s.Summary.Status), coverage: coverageAttribute(s.Summary),
		critical: s.Summary.Counts.Critical, high: s.Summary.Counts.High}
}

func policyAttribute(status string) string {
	if status == "" {
		return "unknown"
	}
	return status
}

func coverageAttribute(s watch.Summary) string {
	if s.Coverage.State == "" {
		return "unknown"
	}
	return string(s.Coverage.State)
}

// Details is the tag's state in Markdown.
func (s TagState) Details() string {
	var b strings.Builder
	b.WriteString("### " + s.headline() + "\n\n| | |\n|---|---|\n")
	for _, row := range s.rows() {
		if row[1] != "" {
			b.WriteString("| **" + row[0] + "** | " + row[1] + " |\n")
		}
	}
	if len(s.Recent) > 0 {
		b.WriteString("\n#### Last notifications of its resyncs\n\n")
		for _, notified := range s.Recent {
			line := strings.TrimPrefix(notified.Line, s.Target.String()+": ")
			b.WriteString("- " + shortTime(notified.At) + " " + plain.Code(notified.ID[:min(len(notified.ID), 8)]) + " `" + string(notified.Type) + "` " + plain.Markdown(line) + "\n")
		}
	}
	return b.String()
}

func (s TagState) headline() string {
	switch {
	case s.Problem != nil && s.Summary.Analyzed == "":
		return "Not analyzed: " + string(s.Problem.Stage) + " fails"
	case s.Summary.Analyzed == "":
		return "Being analyzed for the first time"
	case !s.Summary.Matched:
		return "Analyzed, waiting for vulnerability data"
	case s.Summary.Status == "":
		return "Analyzed, no active policy"
	case s.Summary.Coverage.Missing():
		return fmt.Sprintf("Policy: %s (%s), distribution not covered", s.Summary.Status, s.Summary.FinalAction)
	default:
		return fmt.Sprintf("Policy: %s (%s)", s.Summary.Status, s.Summary.FinalAction)
	}
}

func (s TagState) rows() [][2]string {
	known := s.Summary
	return [][2]string{
		{"Tag", plain.Code(s.Target.String())},
		{"Image", short(known.Resolved.Manifest)},
		{"Index", short(known.Resolved.Index)},
		{"Being analyzed", pendingRow(known)},
		{"Analyzed image", analyzedRow(known)},
		{"Vulnerabilities", countsRow(known)},
		{"Coverage", plain.Markdown(known.Coverage.String())},
		{"Vulnerability data", short(image.Digest(known.Build))},
		{"Subscribed to", typesRow(s)},
		{"Checked", s.pollRow()},
		{"Last resync", shortTime(known.Checked)},
		{"Last woken for", string(s.Woken)},
		{"Last change", shortTime(known.Changed)},
		{"Time-dependent rule due", shortTime(known.Next)},
		{"Problem", problemRow(s.problem())},
	}
}

// problem is that of the last resync, or why the last evaluation is out of date.
func (s TagState) problem() *condition.Problem {
	if recorded := s.Summary.Problem; s.Problem == nil && recorded != nil && recorded.Stage == condition.StageEvaluate {
		return recorded
	}
	return s.Problem
}

// pollRow says where the checks are: they are the registry's workflow's, and this
// one hears of them only when the tag moved.
func (s TagState) pollRow() string {
	if s.Poll == 0 {
		return ""
	}
	return "every " + polling.IntervalText(s.Poll) + " by " + plain.Code(WatchRegistryID(s.Target.Reference.Registry)) + "; `tagwatch status` shows the last one"
}

func analyzedRow(s watch.Summary) string {
	if s.Analyzed == s.Resolved.Manifest {
		return ""
	}
	return short(s.Analyzed) + " (the newest that could be analyzed)"
}

func pendingRow(s watch.Summary) string {
	if s.Pending.IsZero() {
		return ""
	}
	return short(s.Resolved.Manifest) + ", since " + shortTime(s.Pending)
}

func countsRow(s watch.Summary) string {
	if !s.Matched {
		return ""
	}
	return s.Counts.String()
}

func typesRow(state TagState) string {
	names := make([]string, len(state.Types))
	for i, t := range state.Types {
		names[i] = "`" + string(t) + "`"
	}
	return strings.Join(names, ", ")
}

func problemRow(p *condition.Problem) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%s, since %s", plain.Markdown(p.Message), shortTime(p.Since))
}

// short is a digest in a table: whole ones are wider than the page, and stand in
// the search attributes.
func short(digest image.Digest) string {
	if digest == "" {
		return ""
	}
	return "`sha256:" + digest.Short() + "`"
}

// shortTime is a time as people read it; "" for never.
func shortTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}
