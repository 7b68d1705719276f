// Package notifications has the commands about notifications and their
// deliveries.
package notifications

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func NotificationsCommand() *cli.Command {
	return &cli.Command{
		Name:      "notifications",
		Usage:     "list or follow notifications",
		UsageText: "tagwatch notifications [options]",
		Description: `One line each, newest last: time, id (see tagwatch explain), type, cause and
summary. JSON adds the whole payload and a cursor for --after; with --follow, one
object per line. --follow begins with the last --limit notifications.

   tagwatch notifications
   tagwatch notifications --type policy_eval --subject docker.io/library/nginx:1.27
   tagwatch notifications --follow
   tagwatch notifications -o json --after 1024`,
		Flags: append([]cli.Flag{
			arguments.TypeFlag("of notification to list (default: all)"),
			&cli.StringFlag{Name: "subject", Usage: "only for this `tag or repository`"},
			&cli.IntFlag{Name: "limit", Value: 50, Usage: "maximum number of results"},
			&cli.Int64Flag{Name: "after", Usage: "start after this `cursor` instead of at the newest"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with new notifications until interrupted"},
		}, session.ListFlags()...),
		Action: session.Bare(notifications),
	}
}

// listing reads notifications page by page.
type listing struct {
	*session.Session
	request operations.NotificationsRequest
}

func notifications(ctx context.Context, s *session.Session) error {
	l, err := newListing(s)
	if err != nil {
		return err
	}
	found, err := l.first(ctx)
	if err != nil {
		return err
	}
	if s.Bool("follow") {
		return l.stream(ctx, found)
	}
	return session.ShowRows(s, session.Rows[operations.Notification]{Items: found, Name: func(v operations.Notification) string { return v.ID }, People: func(w io.Writer, found []operations.Notification) { writeNotifications(s, w, found) }})
}

func writeNotifications(s *session.Session, w io.Writer, found []operations.Notification) {
	for _, v := range found {
		writeNotification(w, v)
	}
	if len(found) == 0 {
		s.SayNone("notification", "No notifications yet; see: tagwatch subscriptions", "type", "subject", "after")
	}
}

func newListing(s *session.Session) (*listing, error) {
	if s.Int("limit") < 1 {
		return nil, exit.Usage("invalid value %d for --limit: expected 1 or more", s.Int("limit"))
	}
	return &listing{Session: s, request: operations.NotificationsRequest{Types: arguments.Named[notification.Type](s, "type"), Subject: s.String("subject"), Newest: !s.IsSet("after")}}, nil
}

// first is the newest page, or the one after the cursor, with the newest last.
func (l *listing) first(ctx context.Context) ([]operations.Notification, error) {
	if l.IsSet("after") {
		l.request.After = strconv.FormatInt(max(0, l.Int64("after")), 10)
	}
	found, err := l.read(ctx)
	if l.request.Newest {
		slices.Reverse(found)
	}
	if len(found) > 0 {
		l.request.After = strconv.FormatInt(found[len(found)-1].Cursor, 10)
	}
	return found, err
}

// read reads on from the request's cursor.
func (l *listing) read(ctx context.Context) ([]operations.Notification, error) {
	after := l.request.After
	return upTo(l.Int("limit"), func(page operations.Page) ([]operations.Notification, string, error) {
		if page.After == "" {
			page.After = after
		}
		l.request.Page = page
		list, err := operations.ListNotifications.Run(ctx, l.System(), l.request)
		if !list.More {
			return list.Notifications, "", err
		}
		return list.Notifications, list.Next, err
	})
}

// stream prints new notifications until interrupted.
func (l *listing) stream(ctx context.Context, found []operations.Notification) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	l.request.Newest = false
	l.Shown()
	into := l.Session.Stream()
	for {
		for _, v := range found {
			if err := l.print(into, v); err != nil {
				return err
			}
			l.request.After = strconv.FormatInt(v.Cursor, 10)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		after := l.request.After
		var err error
		if found, err = l.read(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		l.request.After = after
	}
}

func (l *listing) print(into *session.Stream, v operations.Notification) error {
	switch {
	case l.Bool("quiet"):
		fmt.Fprintln(l.Out, v.ID)
	case l.ForPeople():
		writeNotification(l.Out, v)
	default:
		return into.Write(v)
	}
	return nil
}

// causeWidth is that of the longest cause.
var causeWidth = func() (width int) {
	for _, cause := range notification.Causes {
		width = max(width, len(cause))
	}
	return width
}()

// writeNotification prints one line. The summary begins with the subject.
func writeNotification(w io.Writer, v operations.Notification) {
	summary := v.Summary
	if !strings.HasPrefix(summary, v.Subject) {
		summary = v.Subject + ": " + summary
	}
	fmt.Fprintf(w, "%s  %s  %-15s  %-*s  %s\n", output.Stamp(v.Created), output.ShortID(v.ID), v.Type, causeWidth, output.Dash(string(v.Cause)), output.OneLine(summary))
}
