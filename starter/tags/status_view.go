package tags

import (
	"fmt"
	"io"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
	"github.com/tagwatch/tagwatch/workflows"
)

// tagStatusView is the state of a tag for programs.
type tagStatusView struct {
	Target   image.Target `json:"target"`
	Digest   image.Digest `json:"digest,omitempty"`
	Index    image.Digest `json:"index_digest,omitempty"`
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
	Problem *output.Problem   `json:"problem,omitempty"`
	// Checked is when the registry last answered about the tag, NextCheck when it is
	// asked next, and Interval how often. A resync checks everything else too.
	Checked   time.Time `json:"checked,omitzero"`
	NextCheck time.Time `json:"next_check,omitzero"`
	Interval  string    `json:"interval,omitempty"`
	Resynced  time.Time `json:"resynced,omitzero"`
	Changed   time.Time `json:"changed,omitzero"`
	// Next is when time alone can change the outcome.
	Next time.Time `json:"next_change,omitzero"`
	Live *liveView `json:"live,omitempty"`
}

// liveView is what the tag's workflow knows beside what is recorded.
type liveView struct {
	Doing      string         `json:"doing,omitempty"`
	NextResync time.Time      `json:"next_resync,omitzero"`
	Recent     []notifiedView `json:"recent"`
}

// notifiedView is a notification in one line.
type notifiedView struct {
	ID      string            `json:"id"`
	Type    notification.Type `json:"type"`
	Summary string            `json:"summary"`
	At      time.Time         `json:"at"`
}

// statusView shows a summary, with the workflow's state if it is known.
func statusView(s *session.Session, sum watch.Summary, state *workflows.TagState) tagStatusView {
	view := tagStatusView{Target: sum.Target, Digest: sum.Resolved.Manifest, Index: sum.Resolved.Index, Analyzed: sum.Analyzed, Pending: sum.Pending,
		Build: sum.Build, Matched: sum.Matched, Counts: sum.Counts, Coverage: sum.Coverage, Status: sum.Status, Action: sum.FinalAction,
		Problem: output.ProblemOf(sum.Problem), Checked: sum.Checked, NextCheck: sum.NextCheck, Resynced: sum.Resynced, Changed: sum.Changed, Next: sum.Next}
	if sum.Interval > 0 {
		view.Interval = polling.IntervalText(sum.Interval)
	}
	if state == nil {
		return view
	}
	view.Types, view.Live = state.Types, &liveView{Doing: state.Doing, NextResync: state.NextResync, Recent: []notifiedView{}}
	for _, notified := range state.Recent {
		view.Live.Recent = append(view.Live.Recent, notifiedView{notified.ID, notified.Type, notified.Line, notified.At})
	}
	if state.Problem != nil {
		view.Problem = output.ProblemOf(state.Problem)
	}
	return view
}

// headline is the policy status, or the reason why there is none yet.
func (v tagStatusView) headline() string {
	text := watch.Summary{Status: v.Status, FinalAction: v.Action, Analyzed: v.Analyzed, Matched: v.Matched}.Headline()
	if v.Status == "" {
		return text
	}
	return text + v.uncovered()
}

// uncovered is what follows a status that does not rest on data about the
// distribution.
func (v tagStatusView) uncovered() string {
	if v.Coverage.Missing() {
		return ", not covered"
	}
	return ""
}

func (v tagStatusView) style() output.Style {
	switch {
	case v.Status == policy.Fail:
		return output.Bad
	case v.Problem != nil || v.Action == policy.Warn || v.Coverage.Missing():
		return output.Doubtful
	}
	return output.Ordinary
}

func (v tagStatusView) problem() string {
	if v.Problem == nil {
		return ""
	}
	return fmt.Sprintf("%s: %s", v.Problem.Stage, v.Problem.Message)
}

// remedy is what to do about a problem that does not pass by itself.
func (v tagStatusView) remedy() string {
	if v.Problem.Stage != condition.StageAnalyze || v.Problem.Kind != errkind.Name(errkind.Limit) {
		return ""
	}
	command := "tagwatch rescan " + v.Target.Reference.String()
	if platform := v.Target.Platform.String(); platform != "" {
		command += " --platform " + platform
	}
	return "push a smaller image, or raise the limit (see tagwatch-worker --help) and run: " + command
}

// writeStatus prints everything that is known of a tag.
func writeStatus(s *session.Session, w io.Writer, v *tagStatusView) {
	var p output.Pairs
	p.Add("Tag", v.Target.String())
	p.Add("Image", output.DigestLine(image.Resolved{Manifest: v.Digest, Index: v.Index}))
	p.Add("Pin", v.pinLine())
	if !v.Pending.IsZero() {
		p.Add("Analyzing", fmt.Sprintf("%s, since %s", v.Digest, s.When(v.Pending)))
	}
	if v.Analyzed != v.Digest && v.Analyzed != "" {
		p.Add("Analyzed image", string(v.Analyzed)+" (the last that could be analyzed)")
	}
	p.Add("Policy", v.policyLine())
	if v.Matched {
		p.Add("Vulnerabilities", v.Counts.String())
		p.Add("Coverage", v.Coverage.String())
		p.Add("End of life", endOfLife(s, v.Coverage))
	}
	if len(v.Unreadable) > 0 {
		p.Add("Unreadable", wording.Count(len(v.Unreadable), "file")+"; their packages are missing from the SBOM")
	}
	p.Add("Vulnerability data", v.Build)
	p.Add("Subscribed to", wording.List(v.Types))
	p.Add("Labels", output.Assignments(v.Labels))
	p.Add("Last check", s.When(v.Checked))
	p.Add("Next check", nextCheck(s, v))
	p.Add("Last resync", s.When(v.Resynced))
	p.Add("Last change", s.When(v.Changed))
	p.Add("Next time-dependent change", s.When(v.Next))
	if v.Problem != nil {
		p.Add("Problem", fmt.Sprintf("%s, since %s", v.problem(), s.When(v.Problem.Since)))
		p.Add("What to do", v.remedy())
	}
	addLive(s, &p, v.Live)
	p.Write(w)
	writeUnreadable(s, w, v.Unreadable)
	writeRecent(s, w, v.Live)
}

// endOfLife is when the distribution ends, and what that means.
func endOfLife(s *session.Session, c vuln.Coverage) string {
	switch {
	case c.EndOfLife.IsZero():
		return ""
	case c.Ended(s.Now):
		return fmt.Sprintf("%s, since %s; data may be incomplete", c.Distribution, s.When(c.EndOfLife))
	}
	return fmt.Sprintf("%s, %s", c.Distribution, s.When(c.EndOfLife))
}

// shownUnreadable is how many files a person is shown.
const shownUnreadable = 20

func writeUnreadable(s *session.Session, w io.Writer, files []sbom.Unreadable) {
	if len(files) == 0 {
		return
	}
	fmt.Fprintln(w, "\nUnreadable package files")
	t := &output.Table{}
	for _, file := range files[:min(len(files), shownUnreadable)] {
		t.Row(output.Doubtful, file.Path, file.Cataloger, file.Reason)
	}
	t.Write(w)
	if more := len(files) - shownUnreadable; more > 0 {
		s.Say("%s more; use -o json to list all", wording.Count(more, "file"))
	}
}

// nextCheck is the time of the next check of the tag, and the interval.
func nextCheck(s *session.Session, v *tagStatusView) string {
	switch next := s.When(v.NextCheck); {
	case v.Interval == "":
		return next
	case !v.NextCheck.After(s.Now):
		return "due, every " + v.Interval
	default:
		return next + ", every " + v.Interval
	}
}

func addLive(s *session.Session, p *output.Pairs, live *liveView) {
	if live != nil {
		p.Add("Right now", live.Doing)
		p.Add("Next resync", s.When(live.NextResync))
	}
}

func writeRecent(s *session.Session, w io.Writer, live *liveView) {
	if live == nil || len(live.Recent) == 0 {
		return
	}
	fmt.Fprintln(w, "\nLast notifications")
	t := &output.Table{}
	for _, notified := range live.Recent {
		t.Row(output.Ordinary, output.Stamp(notified.At), output.ShortID(notified.ID), string(notified.Type), notified.Summary)
	}
	t.Write(w)
}

func (v tagStatusView) pinLine() string {
	switch {
	case v.Pin == "":
		return ""
	case v.LeftPin:
		return string(v.Pin) + ", which the tag has left"
	}
	return string(v.Pin)
}

func (v tagStatusView) policyLine() string {
	if v.Action == "" {
		return v.headline()
	}
	return fmt.Sprintf("%s (%s)", v.Status, v.Action) + v.uncovered()
}
