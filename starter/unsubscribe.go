package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func unsubscribeCommand() *cli.Command {
	return &cli.Command{
		Name: "unsubscribe", Category: categoryTags,
		Usage:     "be notified no more of tags",
		UsageText: "tagwatch unsubscribe REF... [options]",
		Description: `Ends all subscriptions of each tag, or those of the types given. A tag without
subscriptions is no longer watched, and what was known of it is forgotten;
notifications that were notified are kept.

   tagwatch unsubscribe docker.io/library/nginx:1.27
   tagwatch unsubscribe nginx:1.27 --type vuln_update
   tagwatch unsubscribe nginx:1.27 --platform linux/amd64,linux/arm64`,
		Flags:  []cli.Flag{typeFlag("of notification to end (default: all)"), platformsFlag(), outputFlag()},
		Action: action(unsubscribe),
	}
}

// unsubscribed is what is left of one tag's subscriptions.
type unsubscribed struct {
	Target image.Target `json:"target"`
	Left   int          `json:"subscriptions_left"`
}

func unsubscribe(ctx context.Context, s *session) error {
	references, err := s.arguments("REF...")
	if err != nil {
		return err
	}
	targets, err := s.targets(references)
	if err != nil {
		return err
	}
	types, err := s.types(event.TagTypes)
	if err != nil {
		return err
	}
	linked, err := s.temporal(ctx)
	if err != nil {
		return err
	}
	var failures []error
	done := []unsubscribed{}
	for _, target := range targets {
		left, err := linked.unsubscribe(ctx, watch.UnsubscribeRequest{Target: target, Types: types})
		if errors.Is(err, errkind.NotFound) {
			err = s.notSubscribed(ctx, target, types)
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		done = append(done, unsubscribed{target, left})
	}
	if err := s.show(done, func(w io.Writer) { writeUnsubscribed(w, done) }); err != nil {
		return err
	}
	return join(failures)
}

func (l *link) unsubscribe(ctx context.Context, request watch.UnsubscribeRequest) (left int, err error) {
	err = l.ask(ctx, "unsubscribe "+request.Target.String(), requestTimeout, func(ctx context.Context) error {
		left, err = l.client.Unsubscribe(ctx, request)
		return err
	})
	return left, err
}

// notSubscribed says that there is nothing to end.
func (s *session) notSubscribed(ctx context.Context, target image.Target, types []event.Type) error {
	if len(types) > 0 {
		return refused("nobody is subscribed to %s of %s; see: tagwatch subscriptions", list(types), target)
	}
	return s.notWatched(ctx, target)
}

func writeUnsubscribed(w io.Writer, done []unsubscribed) {
	for _, each := range done {
		if each.Left == 0 {
			fmt.Fprintf(w, "%s is no longer watched\n", each.Target)
			continue
		}
		fmt.Fprintf(w, "%s is still watched: %s left\n", each.Target, number(each.Left, "subscription"))
	}
}
