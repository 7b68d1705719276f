package tags

import (
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
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
	return session.ShowRows(s, session.Rows[operations.TagStatus]{Items: []operations.TagStatus{view}, Whole: view, Name: nameOfTag, Steady: operations.TagStatus.Steady,
		People: func(w io.Writer, _ []operations.TagStatus) { writeStatus(s, w, tagStatus{view}) }})
}

// statusOf adds to what is recorded what the tag's workflow does, if Temporal
// answers.
func statusOf(ctx context.Context, s *session.Session, target image.Target) (operations.TagStatus, error) {
	recorded, err := operations.ShowTag.Run(ctx, s.System(), operations.OfTag(target))
	if err != nil {
		return recorded, err
	}
	live, err := operations.FollowTag.Run(ctx, s.System(), operations.OfTag(target))
	if err != nil {
		s.Say("Showing the last recorded status only: %s", exit.Sentence(err))
		return recorded, nil
	}
	return recorded.With(live), nil
}

func statusOfAll(ctx context.Context, s *session.Session) error {
	request := operations.TagsRequest{Places: places(s), Failing: s.Bool("failing"), Uncovered: s.Bool("uncovered")}
	all, err := operations.All(func(page operations.Page) ([]operations.TagStatus, string, error) {
		request.Page = page
		list, err := operations.ListTags.Run(ctx, s.System(), request)
		return list.Tags, list.Next, err
	})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.TagStatus]{Items: all, Name: nameOfTag, Steady: operations.TagStatus.Steady, People: func(w io.Writer, all []operations.TagStatus) { writeStatuses(s, w, all) }})
}

// places are the tags that --registry, --repository and --platform select.
func places(s *session.Session) operations.Places {
	return operations.Places{Registry: s.String("registry"), Repository: s.String("repository"), Platform: s.String("platform")}
}

func nameOfTag(v operations.TagStatus) string { return v.Target.String() }

func writeStatuses(s *session.Session, w io.Writer, views []operations.TagStatus) {
	if len(views) == 0 {
		s.SayNone("tag", "No tag is watched yet; watch one with: tagwatch subscribe REF", "registry", "repository", "platform", "failing")
		return
	}
	columns := []string{"TAG", "POLICY", "CRITICAL", "HIGH", "MEDIUM", "LOW", "IMAGE", "CHECKED", "EVERY", "CHANGED", "PROBLEM"}
	runs := slices.ContainsFunc(views, func(v operations.TagStatus) bool { return v.Running != nil })
	if runs {
		columns = slices.Insert(columns, 2, "RUNNING")
	}
	t := output.NewTable(columns...).Drop("EVERY", "IMAGE", "LOW", "CHANGED", "MEDIUM", "CHECKED")
	for _, each := range views {
		v := tagStatus{each}
		cells := []string{v.Target.String(), v.headline()}
		if runs {
			cells = append(cells, runningCell(v.Running))
		}
		for _, count := range []int{v.Counts.Critical, v.Counts.High, v.Counts.Medium, v.Counts.Low} {
			cells = append(cells, v.count(count))
		}
		t.Row(v.style(), append(cells, output.Dash(v.Digest.Short()), s.Ago(v.Checked), output.Dash(v.Interval), s.Ago(v.Changed), v.problem())...)
	}
	t.Write(w)
}

// count is a number of vulnerabilities; unknown before the first match.
func (v tagStatus) count(n int) string {
	if !v.Matched {
		return "-"
	}
	return strconv.Itoa(n)
}
