package tags

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
	"github.com/tagwatch/tagwatch/workflows"
)

func StatusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "show the status of all watched tags, or of one",
		UsageText: "tagwatch status [REF] [options]",
		Description: `Without a tag: one line for each tag, with its policy status, vulnerability
counts, last check, check interval, last change, and the current problem if there
is one. With a tag: all details, with the files of its image that could not be
read and what its workflow is doing.

   tagwatch status
   tagwatch status docker.io/library/nginx:1.27
   tagwatch status docker.io/library/nginx:1.27 --platform linux/arm64
   tagwatch status --failing
   tagwatch status --uncovered
   tagwatch status --failing --watch
   tagwatch status -o json | jq '.[] | select(.policy_status == "fail") | .target'`,
		Flags: append([]cli.Flag{
			arguments.PlatformFlag(),
			&cli.StringFlag{Name: "registry", Usage: "only tags of this registry `host`"},
			&cli.StringFlag{Name: "repository", Usage: "only tags of this `repository`"},
			&cli.BoolFlag{Name: "failing", Usage: "only tags that fail their policy or have a problem"},
			&cli.BoolFlag{Name: "uncovered", Usage: "only tags whose distribution the vulnerability data does not cover"},
			session.WatchFlag(),
		}, session.ListFlags()...),
		Action: session.Action(session.Watched(session.WatchPause, status)),
	}
}

func status(ctx context.Context, s *session.Session) error {
	if !s.Args().Present() {
		return statusOfAll(ctx, s)
	}
	target, err := theTarget(ctx, s)
	if err != nil {
		return err
	}
	view, err := statusOf(ctx, s, target)
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[tagStatusView]{Items: []tagStatusView{*view}, Whole: view, Name: nameOfTag, Steady: tagStatusView.steady,
		People: func(w io.Writer, _ []tagStatusView) { writeStatus(s, w, view) }})
}

// summary is what was last recorded of a tag that somebody is subscribed to.
func summary(ctx context.Context, s *session.Session, target image.Target) (watch.Summary, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return watch.Summary{}, err
	}
	summary, err := kept.Summary(ctx, target)
	if errors.Is(err, errkind.NotFound) {
		return summary, notWatched(ctx, s, target)
	}
	return summary, err
}

// statusOf adds to what is recorded what the tag's workflow does, if Temporal
// answers.
func statusOf(ctx context.Context, s *session.Session, target image.Target) (*tagStatusView, error) {
	summary, err := summary(ctx, s, target)
	if err != nil {
		return nil, err
	}
	state, err := live(ctx, s, target)
	if err != nil {
		s.Say("Showing the last recorded status only: %s", exit.Sentence(err))
	}
	view := statusView(s, summary, state)
	subs, err := s.Stored.Subscriptions(ctx, subscription.Filter{Target: &target, ActiveOnly: true})
	if err != nil {
		return nil, err
	}
	if view.Unreadable, err = s.Stored.Unreadable(ctx, view.Analyzed); err != nil && !errors.Is(err, errkind.NotFound) {
		return nil, err
	}
	view.Types = nil // the workflow may not know of all
	view.Labels = map[string]string{}
	for _, sub := range subs {
		view.Types = append(view.Types, sub.Type)
		view.Pin = cmp.Or(view.Pin, sub.Options.Pin)
		maps.Copy(view.Labels, sub.Options.Labels)
	}
	view.LeftPin = summary.Resolved.LeftPin(view.Pin)
	return &view, nil
}

// live is nil when the tag's workflow could not be asked.
func live(ctx context.Context, s *session.Session, target image.Target) (*workflows.TagState, error) {
	linked, err := s.Temporal(ctx)
	if err != nil {
		return nil, err
	}
	state, err := liveStatus(ctx, linked, target)
	if errors.Is(err, errkind.NotFound) {
		return nil, exit.Refused("the workflow of this tag is not running; start it with: tagwatch rescan %s", target)
	}
	if err != nil {
		return nil, err
	}
	return &state, nil
}

func statusOfAll(ctx context.Context, s *session.Session) error {
	within, err := places(s)
	if err != nil {
		return err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	summaries, err := kept.Summaries(ctx, subscription.TargetFilter{})
	if err != nil {
		return err
	}
	views := []tagStatusView{}
	for _, summary := range summaries {
		failing := summary.Status == policy.Fail || summary.Problem != nil
		if within(summary.Target) && (failing || !s.Bool("failing")) && (summary.Coverage.Missing() || !s.Bool("uncovered")) {
			views = append(views, statusView(s, summary, nil))
		}
	}
	return session.ShowRows(s, session.Rows[tagStatusView]{Items: views, Name: nameOfTag, Steady: tagStatusView.steady, People: func(w io.Writer, views []tagStatusView) { writeStatuses(s, w, views) }})
}

func nameOfTag(v tagStatusView) string { return v.Target.String() }

// steady leaves out the times of checks that found nothing.
func (v tagStatusView) steady() tagStatusView {
	v.Checked, v.NextCheck, v.Resynced = time.Time{}, time.Time{}, time.Time{}
	if v.Live != nil {
		live := *v.Live
		live.NextResync = time.Time{}
		v.Live = &live
	}
	return v
}

func writeStatuses(s *session.Session, w io.Writer, views []tagStatusView) {
	if len(views) == 0 {
		s.SayNone("tag", "No tag is watched yet; watch one with: tagwatch subscribe REF", "registry", "repository", "platform", "failing")
		return
	}
	t := output.NewTable("TAG", "POLICY", "CRITICAL", "HIGH", "MEDIUM", "LOW", "IMAGE", "CHECKED", "EVERY", "CHANGED", "PROBLEM").Drop("EVERY", "IMAGE", "LOW", "CHANGED", "MEDIUM", "CHECKED")
	for _, v := range views {
		cells := []string{v.Target.String(), v.headline()}
		for _, count := range []int{v.Counts.Critical, v.Counts.High, v.Counts.Medium, v.Counts.Low} {
			cells = append(cells, v.count(count))
		}
		t.Row(v.style(), append(cells, output.Dash(v.Digest.Short()), s.Ago(v.Checked), output.Dash(v.Interval), s.Ago(v.Changed), v.problem())...)
	}
	t.Write(w)
}

// count is a number of vulnerabilities; unknown before the first match.
func (v tagStatusView) count(n int) string {
	if !v.Matched {
		return "-"
	}
	return strconv.Itoa(n)
}
