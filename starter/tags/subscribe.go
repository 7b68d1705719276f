// Package tags has the commands about single tags: subscribing to them, their
// status, vulnerabilities, evaluation and SBOM.
package tags

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func SubscribeCommand() *cli.Command {
	return &cli.Command{
		Name:      "subscribe",
		Usage:     "watch tags and get notified of changes",
		UsageText: "tagwatch subscribe REF... [options]",
		Description: `Starts watching each tag. The notification types are analysis_update (the image
was analyzed), tag_update (the tag points to another image), vuln_update (its
vulnerabilities changed) and policy_eval (its policy status changed between pass
and fail). The first result of a tag sends analysis_update only.

For a multi-platform image, Tagwatch watches linux/amd64 unless --platform names
other platforms. Each platform is watched separately, as REF@platform.

Subscribing again replaces the options and adds the types.

   tagwatch subscribe docker.io/library/nginx:1.27
   tagwatch subscribe nginx:1.27 redis:7 --type tag_update,policy_eval
   tagwatch subscribe nginx:1.27 --type vuln_update --min-severity high --fixable-only
   tagwatch subscribe nginx:1.27 --webhook https://receiver.example.com/hook
   tagwatch subscribe nginx:1.27 --platform linux/amd64,linux/arm64 --interval 1m --wait`,
		Flags: append(arguments.SubscriptionFlags(),
			&cli.StringFlag{Name: "webhook", Usage: "`URL` to notify, instead of a named endpoint"},
			&cli.StringFlag{Name: "dockerfile", Usage: "Dockerfile `file` for policies to evaluate, instead of the one inferred from the image"},
			&cli.BoolFlag{Name: "no-verify", Usage: "do not check that the tag exists in the registry"},
			&cli.BoolFlag{Name: "wait", Aliases: []string{"w"}, Usage: "wait until each tag is analyzed, matched and evaluated"},
			&cli.DurationFlag{Name: "timeout", Value: 30 * time.Minute, Usage: "maximum time for --wait"},
			session.OutputFlag()),
		Action: session.Action(subscribe),
	}
}

// subscribed is what one tag was subscribed to.
type subscribed struct {
	Target    image.Target   `json:"target"`
	Types     []event.Type   `json:"types"`
	Digest    image.Digest   `json:"digest,omitempty"`
	Index     image.Digest   `json:"index_digest,omitempty"`
	Endpoints []string       `json:"endpoints"`
	Status    *tagStatusView `json:"status,omitempty"` // with --wait
}

func subscribe(ctx context.Context, s *session.Session) error {
	requests, failures, err := subscribeRequests(s)
	if err != nil {
		return err
	}
	if len(requests) == 0 {
		return exit.Join(failures)
	}
	linked, err := s.Temporal(ctx) // before anything is stored
	if err != nil {
		return exit.Join(append(failures, err))
	}
	abandon, err := addWebhook(ctx, s, requests)
	if err != nil {
		return exit.Join(append(failures, err))
	}
	done, refusals := subscribeAll(ctx, s, linked, requests)
	failures = append(failures, refusals...)
	if len(done) == 0 {
		abandon(ctx)
		return exit.Join(failures)
	}
	if s.Bool("wait") {
		failures = append(failures, await(ctx, s, linked, done)...)
	}
	if err := s.Show(done, func(w io.Writer) { writeSubscribed(s, w, done) }); err != nil {
		return err
	}
	return exit.Join(failures)
}

// subscribeRequests are one for each target. A reference that cannot be read does
// not hold up the others.
func subscribeRequests(s *session.Session) (requests []watch.SubscribeRequest, failures []error, err error) {
	references, err := s.Arguments("REF...")
	if err != nil {
		return nil, nil, err
	}
	targets, failures, err := arguments.Readable(s, references)
	if err != nil {
		return nil, nil, err
	}
	request, err := subscribeRequest(s)
	if err != nil {
		return nil, nil, err
	}
	requests = make([]watch.SubscribeRequest, len(targets))
	for i, target := range targets {
		requests[i] = request
		requests[i].Target = target
	}
	return requests, failures, nil
}

// subscribeRequest is what the options ask for, of whatever target.
func subscribeRequest(s *session.Session) (request watch.SubscribeRequest, err error) {
	if s.IsSet("webhook") && s.IsSet("endpoint") {
		return request, exit.Usage("--webhook and --endpoint cannot be combined; give endpoint names or one URL")
	}
	request.Unverified = s.Bool("no-verify")
	if request.Types, err = arguments.Types(s, event.TagTypes); err != nil {
		return request, err
	}
	if len(request.Types) == 0 {
		request.Types = event.TagTypes
	}
	if request.Options, err = arguments.Options(s, event.Options{}); err != nil {
		return request, err
	}
	if request.Options.Dockerfile, err = dockerfile(s); err != nil {
		return request, err
	}
	request.Poll, err = arguments.Interval(s, "interval")
	return request, err
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

// subscribeAll tries every target: one that is refused does not hold up others.
func subscribeAll(ctx context.Context, s *session.Session, linked *session.Link, requests []watch.SubscribeRequest) (done []*subscribed, failures []error) {
	for _, request := range requests {
		var result watch.SubscribeResult
		err := linked.Ask(ctx, "subscribe "+request.Target.String(), session.RequestTimeout, func(ctx context.Context) (err error) {
			result, err = linked.Client.Subscribe(ctx, request)
			return err
		})
		if err != nil {
			failures = append(failures, err)
			continue
		}
		done = append(done, &subscribed{Target: request.Target, Types: result.Types, Digest: result.Resolved.Manifest,
			Index: result.Resolved.Index, Endpoints: append([]string{}, result.Endpoints...)})
	}
	return done, failures
}

func writeSubscribed(s *session.Session, w io.Writer, done []*subscribed) {
	notified := false
	for _, each := range done {
		notified = notified || len(each.Endpoints) > 0
		if each.Status != nil {
			writeStatus(s, w, each.Status)
			continue
		}
		fmt.Fprintf(w, "%s is watched: %s\n", each.Target, output.List(each.Types))
	}
	if !notified {
		s.Say("No endpoint is configured, so nobody is notified yet; add one with: tagwatch endpoint add NAME URL")
	}
}
