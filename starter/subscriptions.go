package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func subscriptionsCommand() *cli.Command {
	return &cli.Command{
		Name: "subscriptions", Category: categoryTags,
		Usage:     "list who is notified what",
		UsageText: "tagwatch subscriptions [options]",
		Description: `Lists the active subscriptions.

   tagwatch subscriptions
   tagwatch subscriptions --registry docker.io --type policy_eval
   tagwatch subscriptions --repository docker.io/library/nginx -o json
   tagwatch subscriptions --platform linux/arm64`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "registry", Usage: "only tags of this registry's `host`"},
			&cli.StringFlag{Name: "repository", Usage: "only tags of this `repository`"},
			&cli.StringFlag{Name: "platform", Usage: "only tags on this `os/arch`; linux/amd64 is that of tags without one"},
			typeFlag("of notification to list (default: all)"), outputFlag(),
		},
		Action: bare(subscriptions),
	}
}

// subscriptionView is a subscription for programs.
type subscriptionView struct {
	ID      string        `json:"subscription_id"`
	Target  image.Target  `json:"target"`
	Type    event.Type    `json:"type"`
	Options event.Options `json:"options"`
	// Repository is the watched repository that brought it.
	Repository string    `json:"repository,omitempty"`
	Created    time.Time `json:"created"`
	Updated    time.Time `json:"updated"`
}

func subscriptions(ctx context.Context, s *session) error {
	types, err := s.types(event.TagTypes)
	if err != nil {
		return err
	}
	within, err := s.places()
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	all, err := kept.Subscriptions(ctx, watch.SubscriptionFilter{ActiveOnly: true})
	if err != nil {
		return err
	}
	views := []subscriptionView{}
	for _, each := range all {
		if within(each.Target) && (len(types) == 0 || slices.Contains(types, each.Type)) {
			views = append(views, s.subscriptionView(each))
		}
	}
	return s.show(views, func(w io.Writer) { s.writeSubscriptions(w, views) })
}

func (s *session) subscriptionView(sub event.Subscription) subscriptionView {
	view := subscriptionView{ID: sub.ID(s.settings.Account), Target: sub.Target, Type: sub.Type, Options: sub.Options,
		Created: sub.Created, Updated: sub.Updated}
	if sub.Repository != (image.Repository{}) {
		view.Repository = sub.Repository.String()
	}
	return view
}

// places reports which targets --registry, --repository and --platform select.
func (s *session) places() (within func(image.Target) bool, err error) {
	registry, text := s.String("registry"), s.String("repository")
	var repository image.Repository
	if text != "" {
		if repository, err = image.ParseRepository(text); err != nil {
			return nil, unable(err)
		}
	}
	platform, err := image.ParsePlatform(s.String("platform"))
	if err != nil {
		return nil, unable(err)
	}
	return func(t image.Target) bool {
		if platform != (image.Platform{}) && t.Platform.OrDefault() != platform {
			return false
		}
		return (registry == "" || t.Reference.Registry == registry) && (text == "" || t.Reference.Repository == repository)
	}, nil
}

func (s *session) writeSubscriptions(w io.Writer, views []subscriptionView) {
	if len(views) == 0 {
		s.sayNone("subscription", "No subscription; add one with: tagwatch subscribe REF", "registry", "repository", "platform", "type")
		return
	}
	t := newTable("TAG", "TYPE", "ENDPOINTS", "LABELS", "ONLY", "SINCE")
	for _, v := range views {
		endpoints := "all"
		if len(v.Options.Endpoints) > 0 {
			endpoints = strings.Join(v.Options.Endpoints, ", ")
		}
		t.row(ordinary, v.Target.String(), string(v.Type), endpoints, dash(assignments(v.Options.Labels)), dash(narrowing(v.Options)), s.ago(v.Created))
	}
	t.write(w)
}

// narrowing says what the options leave of a subscription.
func narrowing(o event.Options) string {
	var parts []string
	if len(o.Causes) > 0 {
		parts = append(parts, "cause "+list(o.Causes))
	}
	if o.MinSeverity != "" {
		parts = append(parts, string(o.MinSeverity)+" and above")
	}
	if o.FixableOnly {
		parts = append(parts, "with a fix")
	}
	if o.EPSS > 0 {
		parts = append(parts, fmt.Sprintf("EPSS across %g%% too", o.EPSS*100))
	}
	if o.EveryAction {
		parts = append(parts, "every action")
	}
	if o.Dockerfile != "" {
		parts = append(parts, "with a Dockerfile")
	}
	return strings.Join(parts, "; ")
}
