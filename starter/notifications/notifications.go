// Package notifications has the commands about notifications and their
// deliveries.
package notifications

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/notification"
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
object per line.

   tagwatch notifications
   tagwatch notifications --type policy_eval --subject docker.io/library/nginx:1.27
   tagwatch notifications --follow
   tagwatch notifications -o json --after 1024`,
		Flags: append([]cli.Flag{
			arguments.TypeFlag("of notification to list (default: all)"),
			&cli.StringFlag{Name: "subject", Usage: "only for this `tag or repository`"},
			&cli.IntFlag{Name: "limit", Value: 50, Usage: "maximum number of results"},
			&cli.Int64Flag{Name: "after", Usage: "start after this `cursor` instead of at the newest"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "print new notifications until interrupted"},
		}, session.ListFlags()...),
		Action: session.Bare(notifications),
	}
}

// notificationView is a notification for programs.
type notificationView struct {
	Cursor  int64              `json:"cursor"`
	ID      string             `json:"id"`
	Type    notification.Type  `json:"type"`
	Cause   notification.Cause `json:"cause,omitempty"`
	Subject string             `json:"subject"`
	Summary string             `json:"summary"`
	Created time.Time          `json:"created"`
	Payload json.RawMessage    `json:"payload"`
}

// listing reads notifications page by page.
type listing struct {
	*session.Session
	filter store.NotificationFilter
}

func notifications(ctx context.Context, s *session.Session) error {
	l, err := newListing(s)
	if err != nil {
		return err
	}
	if _, err := s.Store(ctx); err != nil {
		return err
	}
	views, err := l.first(ctx)
	if err != nil {
		return err
	}
	if s.Bool("follow") {
		return l.stream(ctx, views)
	}
	return session.ShowRows(s, session.Rows[notificationView]{Items: views, Name: func(v notificationView) string { return v.ID }, People: func(w io.Writer, views []notificationView) { writeNotifications(s, w, views) }})
}

func writeNotifications(s *session.Session, w io.Writer, views []notificationView) {
	for _, v := range views {
		writeNotification(w, v)
	}
	if len(views) == 0 {
		s.SayNone("notification", "No notifications yet; see: tagwatch subscriptions", "type", "subject", "after")
	}
}

func newListing(s *session.Session) (*listing, error) {
	types, err := arguments.Types(s, notification.Types)
	if err != nil {
		return nil, err
	}
	if s.Int("limit") < 1 {
		return nil, exit.Usage("invalid value %d for --limit: expected 1 or more", s.Int("limit"))
	}
	return &listing{Session: s, filter: store.NotificationFilter{After: s.Int64("after"), Types: types, Subject: s.String("subject"),
		Limit: s.Int("limit"), Newest: !s.IsSet("after")}}, nil
}

// first is the newest page, or the one after the cursor, with the newest last.
func (l *listing) first(ctx context.Context) ([]notificationView, error) {
	views, err := l.page(ctx)
	if l.filter.Newest {
		slices.Reverse(views)
	}
	return views, err
}

// page reads on from the filter's cursor, which it moves behind what it saw.
func (l *listing) page(ctx context.Context) ([]notificationView, error) {
	found, err := l.Stored.Notifications(ctx, l.filter)
	views := []notificationView{}
	for _, n := range found {
		l.filter.After = max(l.filter.After, n.Seq)
		views = append(views, notificationView{n.Seq, n.ID, n.Type, n.Cause, n.Subject, n.Summary, n.Created, n.Payload})
	}
	return views, err
}

// stream prints new notifications until interrupted.
func (l *listing) stream(ctx context.Context, views []notificationView) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	l.filter.Newest = false
	l.Shown()
	into := l.Session.Stream()
	for {
		for _, v := range views {
			if err := l.print(into, v); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		var err error
		if views, err = l.page(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (l *listing) print(into *session.Stream, v notificationView) error {
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

// writeNotification prints one line. The summary begins with the subject.
func writeNotification(w io.Writer, v notificationView) {
	summary := v.Summary
	if !strings.HasPrefix(summary, v.Subject) {
		summary = v.Subject + ": " + summary
	}
	fmt.Fprintf(w, "%s  %s  %-15s  %-7s  %s\n", output.Stamp(v.Created), output.ShortID(v.ID), v.Type, output.Dash(string(v.Cause)), output.OneLine(summary))
}
