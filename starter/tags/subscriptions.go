package tags

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
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func SubscriptionsCommand() *cli.Command {
	return &cli.Command{
		Name:      "subscriptions",
		Usage:     "list subscriptions",
		UsageText: "tagwatch subscriptions [options]",
		Description: `Lists the active subscriptions with their endpoints and filters.
   tagwatch subscriptions
   tagwatch subscriptions --registry docker.io --type policy_eval
   tagwatch subscriptions --repository docker.io/library/nginx -o json
   tagwatch subscriptions --platform linux/arm64`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "registry", Usage: "only tags of this registry's `host`"},
			&cli.StringFlag{Name: "repository", Usage: "only tags of this `repository`"},
			&cli.StringFlag{Name: "platform", Usage: "only tags watched for this `os/arch`; a tag without --platform counts as linux/amd64"},
			arguments.TypeFlag("of notification to list (default: all)"), session.OutputFlag(),
		},
		Action: session.Bare(subscriptions),
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

func subscriptions(ctx context.Context, s *session.Session) error {
	types, err := arguments.Types(s, event.TagTypes)
	if err != nil {
		return err
	}
	within, err := places(s)
	if err != nil {
		return err
	}
	kept, err := s.Store(ctx)
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
			views = append(views, viewOf(s, each))
		}
	}
	return s.Show(views, func(w io.Writer) { writeSubscriptions(s, w, views) })
}

func viewOf(s *session.Session, sub event.Subscription) subscriptionView {
	view := subscriptionView{ID: sub.ID(s.Settings.Account), Target: sub.Target, Type: sub.Type, Options: sub.Options,
		Created: sub.Created, Updated: sub.Updated}
	if sub.Repository != (image.Repository{}) {
		view.Repository = sub.Repository.String()
	}
	return view
}

// places reports which targets --registry, --repository and --platform select.
func places(s *session.Session) (within func(image.Target) bool, err error) {
	registry, text := s.String("registry"), s.String("repository")
	var repository image.Repository
	if text != "" {
		if repository, err = image.ParseRepository(text); err != nil {
			return nil, exit.Unable(err)
		}
	}
	platform, err := image.ParsePlatform(s.String("platform"))
	if err != nil {
		return nil, exit.Unable(err)
	}
	return func(t image.Target) bool {
		if platform != (image.Platform{}) && t.Platform.OrDefault() != platform {
			return false
		}
		return (registry == "" || t.Reference.Registry == registry) && (text == "" || t.Reference.Repository == repository)
	}, nil
}

func writeSubscriptions(s *session.Session, w io.Writer, views []subscriptionView) {
	if len(views) == 0 {
		s.SayNone("subscription", "No subscriptions yet; add one with: tagwatch subscribe REF", "registry", "repository", "platform", "type")
		return
	}
	t := output.NewTable("TAG", "TYPE", "ENDPOINTS", "LABELS", "ONLY", "SINCE")
	for _, v := range views {
		endpoints := "all"
		if len(v.Options.Endpoints) > 0 {
			endpoints = strings.Join(v.Options.Endpoints, ", ")
		}
		t.Row(output.Ordinary, v.Target.String(), string(v.Type), endpoints, output.Dash(output.Assignments(v.Options.Labels)), output.Dash(narrowing(v.Options)), s.Ago(v.Created))
	}
	t.Write(w)
}

// narrowing says what the options leave of a subscription.
func narrowing(o event.Options) string {
	var parts []string
	if len(o.Causes) > 0 {
		parts = append(parts, "cause "+output.List(o.Causes))
	}
	if o.MinSeverity != "" {
		parts = append(parts, string(o.MinSeverity)+" and above")
	}
	if o.FixableOnly {
		parts = append(parts, "fixable only")
	}
	if o.EPSS > 0 {
		parts = append(parts, fmt.Sprintf("EPSS crossing %g%%", o.EPSS*100))
	}
	if o.EveryAction {
		parts = append(parts, "every action")
	}
	if o.Dockerfile != "" {
		parts = append(parts, "with a Dockerfile")
	}
	return strings.Join(parts, "; ")
}
