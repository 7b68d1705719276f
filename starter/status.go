package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Category: categoryTags,
		Usage:     "show what is known of the watched tags, or of one",
		UsageText: "tagwatch status [REF] [options]",
		Description: `Without a tag, one line for each: what the policies say, how many vulnerabilities
it has, when its registry was last asked for it and how often it is, when anything
last changed, and why it cannot be followed if it cannot.
With a tag, everything, with the files of its image that could not be read and
what its workflow does right now.

   tagwatch status
   tagwatch status docker.io/library/nginx:1.27
   tagwatch status docker.io/library/nginx:1.27 --platform linux/arm64
   tagwatch status --failing
   tagwatch status --uncovered
   tagwatch status -o json | jq '.[] | select(.policy_status == "fail") | .target'`,
		Flags: []cli.Flag{
			platformFlag(),
			&cli.StringFlag{Name: "registry", Usage: "only tags of this registry's `host`"},
			&cli.StringFlag{Name: "repository", Usage: "only tags of this `repository`"},
			&cli.BoolFlag{Name: "failing", Usage: "only tags that fail their policy or cannot be followed"},
			&cli.BoolFlag{Name: "uncovered", Usage: "only tags of a distribution that the vulnerability data does not cover"},
			outputFlag(),
		},
		Action: action(status),
	}
}

func status(ctx context.Context, s *session) error {
	if !s.Args().Present() {
		return s.statusOfAll(ctx)
	}
	target, err := s.target()
	if err != nil {
		return err
	}
	view, err := s.statusOf(ctx, target)
	if err != nil {
		return err
	}
	return s.show(view, func(w io.Writer) { s.writeStatus(w, view) })
}

// summary is what was last recorded of a tag that somebody is subscribed to.
func (s *session) summary(ctx context.Context, target image.Target) (watch.Summary, error) {
	kept, err := s.store(ctx)
	if err != nil {
		return watch.Summary{}, err
	}
	summary, err := kept.Summary(ctx, target)
	if errors.Is(err, errkind.NotFound) {
		return summary, s.notWatched(ctx, target)
	}
	return summary, err
}

// statusOf adds to what is recorded what the tag's workflow does, if Temporal
// answers.
func (s *session) statusOf(ctx context.Context, target image.Target) (*tagStatusView, error) {
	summary, err := s.summary(ctx, target)
	if err != nil {
		return nil, err
	}
	state, err := s.live(ctx, target)
	if err != nil {
		s.say("Only what was last recorded: %s", sentence(err))
	}
	view := s.statusView(summary, state)
	subs, err := s.stored.Subscriptions(ctx, watch.SubscriptionFilter{Target: &target, ActiveOnly: true})
	if err != nil {
		return nil, err
	}
	if view.Unreadable, err = s.stored.Unreadable(ctx, view.Analyzed); err != nil && !errors.Is(err, errkind.NotFound) {
		return nil, err
	}
	view.Types = nil // the workflow may not know of all
	view.Labels = map[string]string{}
	for _, sub := range subs {
		view.Types = append(view.Types, sub.Type)
		maps.Copy(view.Labels, sub.Options.Labels)
	}
	return &view, nil
}

// live is nil when the tag's workflow could not be asked.
func (s *session) live(ctx context.Context, target image.Target) (*workflows.TagState, error) {
	linked, err := s.temporal(ctx)
	if err != nil {
		return nil, err
	}
	state, err := linked.status(ctx, target)
	if errors.Is(err, errkind.NotFound) {
		return nil, refused("its workflow does not run; start it with: tagwatch rescan %s", target)
	}
	if err != nil {
		return nil, err
	}
	return &state, nil
}

func (s *session) statusOfAll(ctx context.Context) error {
	within, err := s.places()
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	summaries, err := kept.Summaries(ctx, watch.TargetFilter{})
	if err != nil {
		return err
	}
	views := []tagStatusView{}
	for _, summary := range summaries {
		failing := summary.Status == policy.Fail || summary.Problem != nil
		if within(summary.Target) && (failing || !s.Bool("failing")) && (summary.Coverage.Missing() || !s.Bool("uncovered")) {
			views = append(views, s.statusView(summary, nil))
		}
	}
	return s.show(views, func(w io.Writer) { s.writeStatuses(w, views) })
}

func (s *session) writeStatuses(w io.Writer, views []tagStatusView) {
	if len(views) == 0 {
		s.sayNone("tag", "No tag; watch one with: tagwatch subscribe REF", "registry", "repository", "platform", "failing")
		return
	}
	t := newTable("TAG", "POLICY", "CRITICAL", "HIGH", "MEDIUM", "LOW", "IMAGE", "CHECKED", "EVERY", "CHANGED", "PROBLEM")
	for _, v := range views {
		cells := []string{v.Target.String(), v.headline()}
		for _, count := range []int{v.Counts.Critical, v.Counts.High, v.Counts.Medium, v.Counts.Low} {
			cells = append(cells, v.count(count))
		}
		t.row(v.style(), append(cells, dash(v.Digest.Short()), s.ago(v.Checked), dash(v.Interval), s.ago(v.Changed), v.problem())...)
	}
	t.write(w)
}

// count is a number of vulnerabilities; unknown before the first match.
func (v tagStatusView) count(n int) string {
	if !v.Matched {
		return "-"
	}
	return strconv.Itoa(n)
}
