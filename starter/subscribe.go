package main

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
)

func subscribeCommand() *cli.Command {
	return &cli.Command{
		Name: "subscribe", Category: categoryTags,
		Usage:     "be notified what happens to tags",
		UsageText: "tagwatch subscribe REF... [options]",
		Description: `Watches each tag from now on. The types are analysis_update (its image was
analyzed), tag_update (it points to another image), vuln_update (its
vulnerabilities changed) and policy_eval (it passes no longer, or again). What
is found first is notified for analysis_update only.

Of an image of several platforms, linux/amd64 is taken unless --platform names
others. Each is watched by itself, under REF@platform.

Subscribing again replaces the options and adds the types.

   tagwatch subscribe docker.io/library/nginx:1.27
   tagwatch subscribe nginx:1.27 redis:7 --type tag_update,policy_eval
   tagwatch subscribe nginx:1.27 --type vuln_update --min-severity high --fixable-only
   tagwatch subscribe nginx:1.27 --webhook https://receiver.example.com/hook
   tagwatch subscribe nginx:1.27 --platform linux/amd64,linux/arm64 --interval 1m --wait`,
		Flags: append(subscriptionFlags(),
			&cli.StringFlag{Name: "webhook", Usage: "`URL` to tell: an endpoint for this subscription alone"},
			&cli.StringFlag{Name: "dockerfile", Usage: "`file` that the images are built from, for policies to judge instead of the one inferred"},
			&cli.BoolFlag{Name: "no-verify", Usage: "do not ask the registry whether the tag exists"},
			&cli.BoolFlag{Name: "wait", Aliases: []string{"w"}, Usage: "wait until the tags are analyzed, matched and evaluated"},
			&cli.DurationFlag{Name: "timeout", Value: 30 * time.Minute, Usage: "how long --wait waits"},
			outputFlag()),
		Action: action(subscribe),
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

func subscribe(ctx context.Context, s *session) error {
	requests, failures, err := s.subscribeRequests()
	if err != nil {
		return err
	}
	if len(requests) == 0 {
		return join(failures)
	}
	linked, err := s.temporal(ctx) // before anything is stored
	if err != nil {
		return join(append(failures, err))
	}
	abandon, err := s.webhook(ctx, requests)
	if err != nil {
		return join(append(failures, err))
	}
	done, refusals := s.subscribeAll(ctx, linked, requests)
	failures = append(failures, refusals...)
	if len(done) == 0 {
		abandon(ctx)
		return join(failures)
	}
	if s.Bool("wait") {
		failures = append(failures, s.await(ctx, linked, done)...)
	}
	if err := s.show(done, func(w io.Writer) { s.writeSubscribed(w, done) }); err != nil {
		return err
	}
	return join(failures)
}

// subscribeRequests are one for each target. A reference that cannot be read does
// not hold up the others.
func (s *session) subscribeRequests() (requests []watch.SubscribeRequest, failures []error, err error) {
	references, err := s.arguments("REF...")
	if err != nil {
		return nil, nil, err
	}
	targets, failures, err := s.readable(references)
	if err != nil {
		return nil, nil, err
	}
	request, err := s.subscribeRequest()
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
func (s *session) subscribeRequest() (request watch.SubscribeRequest, err error) {
	if s.IsSet("webhook") && s.IsSet("endpoint") {
		return request, usage("--webhook and --endpoint exclude each other; name the endpoints, or give one URL")
	}
	request.Unverified = s.Bool("no-verify")
	if request.Types, err = s.types(event.TagTypes); err != nil {
		return request, err
	}
	if len(request.Types) == 0 {
		request.Types = event.TagTypes
	}
	if request.Options, err = s.options(event.Options{}); err != nil {
		return request, err
	}
	if request.Options.Dockerfile, err = s.dockerfile(); err != nil {
		return request, err
	}
	request.Poll, err = s.interval("interval")
	return request, err
}

// dockerfile is the text of the file that --dockerfile names; "" without it.
func (s *session) dockerfile() (string, error) {
	name := s.String("dockerfile")
	if name == "" {
		return "", nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", unable(fmt.Errorf("read the Dockerfile (--dockerfile): %w", err))
	}
	return string(text), nil
}

// subscribeAll tries every target: one that is refused does not hold up others.
func (s *session) subscribeAll(ctx context.Context, linked *link, requests []watch.SubscribeRequest) (done []*subscribed, failures []error) {
	for _, request := range requests {
		var result watch.SubscribeResult
		err := linked.ask(ctx, "subscribe "+request.Target.String(), requestTimeout, func(ctx context.Context) (err error) {
			result, err = linked.client.Subscribe(ctx, request)
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

func (s *session) writeSubscribed(w io.Writer, done []*subscribed) {
	notified := false
	for _, each := range done {
		notified = notified || len(each.Endpoints) > 0
		if each.Status != nil {
			s.writeStatus(w, each.Status)
			continue
		}
		fmt.Fprintf(w, "%s is watched: %s\n", each.Target, list(each.Types))
	}
	if !notified {
		s.say("No endpoint is notified yet; add one with: tagwatch endpoint add NAME URL")
	}
}
