package tags

import (
	"fmt"
	"io"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// tagStatus shows the status of a tag to people.
type tagStatus struct{ operations.TagStatus }

// headline is the policy status, or the reason why there is none yet.
func (v tagStatus) headline() string {
	text := watch.Summary{Status: v.Status, FinalAction: v.Action, Analyzed: v.Analyzed, Matched: v.Matched}.Headline()
	if v.Status == "" {
		return text
	}
	return text + v.uncovered()
}

// uncovered is what follows a status that does not rest on data about the
// distribution.
func (v tagStatus) uncovered() string {
	if v.Coverage.Missing() {
		return ", not covered"
	}
	return ""
}

func (v tagStatus) style() output.Style {
	switch {
	case v.Status == policy.Fail:
		return output.Bad
	case v.Problem != nil || v.Action == policy.Warn || v.Coverage.Missing():
		return output.Doubtful
	}
	return output.Ordinary
}

func (v tagStatus) problem() string {
	if v.Problem == nil {
		return ""
	}
	return fmt.Sprintf("%s: %s", v.Problem.Stage, v.Problem.Message)
}

// remedy is what to do about a problem that does not pass by itself.
func (v tagStatus) remedy() string {
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
func writeStatus(s *session.Session, w io.Writer, v tagStatus) {
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
	p.Add("Running", runningLine(v.Running))
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
	writeRunning(s, w, v.Running)
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
func nextCheck(s *session.Session, v tagStatus) string {
	switch next := s.When(v.NextCheck); {
	case v.Interval == "":
		return next
	case !v.NextCheck.After(s.Now):
		return "due, every " + v.Interval
	default:
		return next + ", every " + v.Interval
	}
}

func addLive(s *session.Session, p *output.Pairs, live *operations.Live) {
	if live != nil {
		p.Add("Right now", live.Doing)
		p.Add("Next resync", s.When(live.NextResync))
	}
}

func writeRecent(s *session.Session, w io.Writer, live *operations.Live) {
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

func (v tagStatus) pinLine() string {
	switch {
	case v.Pin == "":
		return ""
	case v.LeftPin:
		return string(v.Pin) + ", which the tag has left"
	}
	return string(v.Pin)
}

func (v tagStatus) policyLine() string {
	if v.Action == "" {
		return v.headline()
	}
	return fmt.Sprintf("%s (%s)", v.Status, v.Action) + v.uncovered()
}
