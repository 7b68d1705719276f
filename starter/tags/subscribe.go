// Package tags has the commands about single tags: subscribing to them, their
// status, vulnerabilities, evaluation and SBOM.
package tags

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func SubscribeCommand() *cli.Command {
	return &cli.Command{
		Name:      "subscribe",
		Usage:     "watch tags and get notified of changes",
		UsageText: "tagwatch subscribe REF...|- [options]",
		Description: `Starts watching each tag. The notification types are analysis_update (the image
was analyzed), tag_update (the tag points to another image), vuln_update (its
vulnerabilities changed) and policy_eval (its policy status changed between pass
and fail). The first result of a tag sends analysis_update only.

For a multi-platform image, Tagwatch watches linux/amd64 unless --platform names
other platforms. Each platform is watched separately, as REF@platform.

Subscribing again replaces the options and adds the types. A tag that is subscribed
under another of its names (nginx, docker.io/library/nginx) keeps that name.

NAME@sha256:... watches one image, which cannot move, for new data and policies.
NAME:TAG@sha256:... watches the tag, and reports when it has left that digest.

For -, the references are read from standard input, one per line; # begins a
comment. An invalid one does not stop the others.

   tagwatch subscribe docker.io/library/nginx:1.27
   tagwatch subscribe nginx:1.27 redis:7 --type tag_update,policy_eval
   tagwatch subscribe nginx:1.27 --type vuln_update --min-severity high --fixable-only
   tagwatch subscribe nginx:1.27@sha256:6fe6...
   tagwatch subscribe nginx:1.27 --webhook https://receiver.example.com/hook
   tagwatch subscribe nginx:1.27 --platform linux/amd64,linux/arm64 --interval 1m --wait
   tagwatch subscribe - < references.txt`,
		Flags: append(arguments.SubscriptionFlags(),
			&cli.StringFlag{Name: "webhook", Usage: "`URL` to notify, instead of a named endpoint"},
			&cli.StringFlag{Name: "dockerfile", Usage: "`file` that policies evaluate as the Dockerfile, instead of the one inferred from the image"},
			&cli.BoolFlag{Name: "no-verify", Usage: "do not check that the tag exists in the registry"},
			&cli.BoolFlag{Name: "wait", Aliases: []string{"w"}, Usage: "wait until each tag is analyzed, matched and evaluated"},
			&cli.DurationFlag{Name: "timeout", Value: 30 * time.Minute, Usage: "maximum time for --wait"},
			session.OutputFlag()),
		Action: session.Action(subscribe),
	}
}

// subscribed is what one tag was subscribed to.
type subscribed struct {
	operations.SubscribedTag
	Status *operations.TagStatus `json:"status,omitempty"` // with --wait
}

// subscribePage is how many tags are subscribed to at once, and serverPage how many by way
// of a server: it ends a request after less than a minute, however slow a registry is.
const subscribePage, serverPage = 50, 10

func subscribe(ctx context.Context, s *session.Session) error {
	request, err := subscribeRequest(s)
	if err != nil {
		return err
	}
	abandon := func(context.Context) {}
	begun := false
	done := []*subscribed{}
	page := subscribePage
	if s.Remote() {
		page = serverPage
	}
	many := bulk{Session: s, page: page, after: "stay subscribed; what was requested goes on, see: tagwatch status"}
	many.do = func(ctx context.Context, page []image.Target, report func(int, error)) (err error) {
		if !begun { // nothing is stored here before Temporal answers
			if !s.Remote() {
				if _, err = s.Temporal(ctx); err != nil {
					return err
				}
			}
			if abandon, err = addWebhook(ctx, s, &request.Options); err != nil {
				return err
			}
			begun = true
		}
		return subscribeBatch(ctx, s, request, page, many.pins, report, func(one *subscribed) {
			done = append(done, one)
			s.Shown()
			if s.ForPeople() {
				fmt.Fprintln(s.Out, watchedLine(one.SubscribedTag))
			}
			if one.LeftPin {
				s.Say("%s has left its pin %s: it points to %s", one.Target, one.Pin, output.DigestLine(image.Resolved{Manifest: one.Digest, Index: one.Index}))
			}
		})
	}
	err = many.run(ctx)
	if len(done) == 0 {
		abandon(ctx)
		return err
	}
	var failures []error
	if err != nil {
		failures = append(failures, err)
	}
	if s.Bool("wait") && ctx.Err() == nil {
		failures = append(failures, await(ctx, s, done)...)
	}
	if err := s.Show(done, func(io.Writer) { sayUnnotified(s, done) }); err != nil {
		return err
	}
	return exit.Join(failures)
}

// watchedLine says what a tag is subscribed to, and what that replaced.
func watchedLine(one operations.SubscribedTag) string {
	already, replaced := "", ""
	switch {
	case len(one.Replaced) > 0:
		parts := make([]string, len(one.Replaced))
		for i, r := range one.Replaced {
			parts[i] = r.Option + " " + cmp.Or(r.Before, "(none)") + " -> " + cmp.Or(r.After, "(none)")
		}
		replaced = "; options replaced: " + strings.Join(parts, "; ")
	case one.Already:
		already = "already "
	}
	return fmt.Sprintf("%s is %swatched: %s%s", one.Target, already, wording.List(one.Types), replaced)
}

// subscribeBatch hands on each tag as it is subscribed to. A tag that is refused does
// not hold up others.
func subscribeBatch(ctx context.Context, s *session.Session, request operations.SubscribeRequest, page []image.Target, pins map[image.Target]image.Digest, report func(int, error), done func(*subscribed)) error {
	request.Tags = nil
	for _, target := range page {
		request.Tags = append(request.Tags, target.Pinned(pins[target]))
	}
	answer, err := operations.Subscribe.Run(ctx, s.System(), request)
	if err != nil {
		return err
	}
	for i, result := range answer.Results {
		if result.Refused != nil {
			report(i, exit.Answered(result.Refused.Err()))
			continue
		}
		report(i, nil)
		done(&subscribed{SubscribedTag: result.SubscribedTag})
	}
	return nil
}

// subscribeRequest is what the options ask for, of whatever target.
func subscribeRequest(s *session.Session) (request operations.SubscribeRequest, err error) {
	if s.IsSet("webhook") && s.IsSet("endpoint") {
		return request, exit.Usage("--webhook and --endpoint cannot be combined; give endpoint names or one URL")
	}
	request.Unverified = s.Bool("no-verify")
	if request.Types, err = arguments.Types(s, notification.TagTypes); err != nil {
		return request, err
	}
	if len(request.Types) == 0 {
		request.Types = notification.DefaultTypes
	}
	if request.Options, err = arguments.Options(s, subscription.Options{}); err != nil {
		return request, err
	}
	if request.Options.Dockerfile, err = dockerfile(s); err != nil {
		return request, err
	}
	if poll, err := arguments.Interval(s, "interval"); err != nil || poll != 0 {
		request.Interval = poll.String()
		return request, err
	}
	return request, nil
}

// dockerfile is the text of the file that --dockerfile names; "" without it.
func dockerfile(s *session.Session) (string, error) {
	name := s.String("dockerfile")
	if name == "" {
		return "", nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", exit.Unable(fmt.Errorf("read the Dockerfile (--dockerfile): %w", err))
	}
	return string(text), nil
}

// sayUnnotified says that nobody hears of the tags.
func sayUnnotified(s *session.Session, done []*subscribed) {
	if !slices.ContainsFunc(done, func(one *subscribed) bool { return len(one.Endpoints) > 0 }) {
		s.Say("No endpoint is configured, so nobody is notified yet; add one with: tagwatch endpoint add NAME URL")
	}
}
