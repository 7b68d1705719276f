package tags

import (
	"context"
	"fmt"
	"io"
	"reflect"
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
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func SubscriptionsCommand() *cli.Command {
	return &cli.Command{
		Name:      "subscriptions",
		Usage:     "list subscriptions",
		UsageText: "tagwatch subscriptions [options]",
		Description: `Lists the active subscriptions, the types of a tag in one row. In JSON, YAML and
CSV, each type is a subscription with an id.

   tagwatch subscriptions
   tagwatch subscriptions --registry docker.io --type policy_eval
   tagwatch subscriptions --repository docker.io/library/nginx -o json
   tagwatch subscriptions --platform linux/arm64`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "registry", Usage: "only tags of this registry `host`"},
			&cli.StringFlag{Name: "repository", Usage: "only tags of this `repository`"},
			&cli.StringFlag{Name: "platform", Usage: "only tags watched for this `os/arch`; a tag without --platform counts as linux/amd64"},
			arguments.TypeFlag("of notification to list (default: all)"),
		}, session.ListFlags()...),
		Action: session.Bare(subscriptions),
	}
}

func subscriptions(ctx context.Context, s *session.Session) error {
	request := operations.SubscriptionsRequest{Places: places(s), Types: arguments.Named[notification.Type](s, "type")}
	all, err := operations.All(func(page operations.Page) ([]operations.Subscription, string, error) {
		request.Page = page
		list, err := operations.ListSubscriptions.Run(ctx, s.System(), request)
		return list.Subscriptions, list.Next, err
	})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Subscription]{Items: all, Name: func(v operations.Subscription) string { return v.Target.String() }, People: func(w io.Writer, all []operations.Subscription) { writeSubscriptions(s, w, all) }})
}

func writeSubscriptions(s *session.Session, w io.Writer, views []operations.Subscription) {
	if len(views) == 0 {
		s.SayNone("subscription", "No subscriptions yet; add one with: tagwatch subscribe REF", "registry", "repository", "platform", "type")
		return
	}
	t := output.NewTable("TAG", "TYPES", "ENDPOINTS", "LABELS", "ONLY", "SINCE").Drop("SINCE", "LABELS", "ENDPOINTS")
	for _, r := range rowsOf(views) {
		types, endpoints := "all", "all"
		if !sameTypes(r.types, notification.DefaultTypes) {
			types = wording.List(r.types)
		}
		if len(r.options.Endpoints) > 0 {
			endpoints = strings.Join(r.options.Endpoints, ", ")
		}
		t.Row(output.Ordinary, r.target.String(), types, endpoints, output.Dash(output.Assignments(r.options.Labels)), output.Dash(narrowing(r.options)), s.Ago(r.since))
	}
	t.Write(w)
}

func sameTypes(a, b []notification.Type) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// subscriptionRow is the subscriptions of a tag that have the same options: all of
// them, unless its types were subscribed to with different ones.
type subscriptionRow struct {
	target  image.Target
	options subscription.Options
	types   []notification.Type
	since   time.Time // the first one
}

// rowsOf expects the subscriptions of a tag to follow each other.
func rowsOf(views []operations.Subscription) []*subscriptionRow {
	var all []*subscriptionRow
	for _, v := range views {
		row := rowFor(all, v)
		if row == nil {
			row = &subscriptionRow{target: v.Target, options: v.Options, since: v.Created}
			all = append(all, row)
		}
		row.types = append(row.types, v.Type)
		if v.Created.Before(row.since) {
			row.since = v.Created
		}
	}
	return all
}

func rowFor(all []*subscriptionRow, v operations.Subscription) *subscriptionRow {
	for _, row := range slices.Backward(all) {
		switch {
		case row.target != v.Target:
			return nil
		case reflect.DeepEqual(row.options, v.Options):
			return row
		}
	}
	return nil
}

// narrowing says what the options leave of a subscription.
func narrowing(o subscription.Options) string {
	var parts []string
	if len(o.Causes) > 0 {
		parts = append(parts, "cause "+wording.List(o.Causes))
	}
	if o.MinSeverity != "" {
		parts = append(parts, string(o.MinSeverity)+" and above")
	}
	if o.FixableOnly {
		parts = append(parts, "fixable only")
	}
	if o.When != "" {
		parts = append(parts, "when "+o.When)
	}
	if o.ExploitedFiltered {
		parts = append(parts, "no override for known exploited")
	}
	if o.EPSS > 0 {
		parts = append(parts, fmt.Sprintf("EPSS crossing %g%%", o.EPSS*100))
	}
	if o.EveryAction {
		parts = append(parts, "every action")
	}
	if o.Pin != "" {
		parts = append(parts, "pinned to "+o.Pin.Short())
	}
	if o.Dockerfile != "" {
		parts = append(parts, "with a Dockerfile")
	}
	return strings.Join(parts, "; ")
}
