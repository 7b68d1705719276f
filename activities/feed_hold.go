package activities

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// judge puts a build on hold that differs from the current one in a way that
// a person has to decide about. One that is on hold is judged again with each
// synchronization: what it is on hold for may pass.
func (a *Activities) judge(ctx context.Context, feed databuild.Feed, build vuln.Build, fetched databuild.Fetched) (databuild.Fetched, error) {
	next, err := a.describe(ctx, feed, build.Checksum)
	if err != nil {
		return fetched, err
	}
	var current vuln.Description
	if feed.Current != nil {
		current = *feed.Current
	}
	next.URL = build.URL
	reasons := vuln.Judge(current, next, vuln.DefaultLimits, a.now())
	if len(reasons) == 0 {
		fetched.Build = &next.Build
		return fetched, a.Store.SaveBuild(ctx, next, "", nil, a.now())
	}
	return a.hold(ctx, next, reasons, fetched)
}

// describe falls back to what was stored of the build on hold, which may lie
// on another worker's disk.
func (a *Activities) describe(ctx context.Context, feed databuild.Feed, checksum string) (vuln.Description, error) {
	next, err := a.Feed.Describe(ctx, checksum)
	if errors.Is(err, errkind.NotFound) && feed.Held != nil && feed.Held.Checksum == checksum {
		return *feed.Held, nil
	}
	return next, err
}

func (a *Activities) hold(ctx context.Context, next vuln.Description, reasons []vuln.HoldReason, fetched databuild.Fetched) (databuild.Fetched, error) {
	for _, reason := range reasons {
		fetched.Held = append(fetched.Held, reason.Text)
	}
	if err := a.Store.SaveBuild(ctx, next, databuild.Held, fetched.Held, a.now()); err != nil {
		return fetched, err
	}
	feed, err := a.Store.Feed(ctx)
	if err != nil {
		return fetched, err
	}
	return fetched, a.notifyHeld(ctx, feed)
}

// goBack deals with a publisher that lists the build before the current one
// again.
func (a *Activities) goBack(ctx context.Context, feed databuild.Feed, fetched databuild.Fetched) (databuild.Fetched, error) {
	began := a.now()
	if feed.WentBack() {
		began = feed.HeldSince
	}
	reason, due := vuln.Withdrawal(*feed.Current, *feed.Previous, began, a.now())
	if !due {
		return a.hold(ctx, *feed.Previous, []vuln.HoldReason{reason}, fetched)
	}
	fetched.Build, fetched.Leave = &feed.Previous.Build, databuild.Withdrawn
	return fetched, a.log(ctx, notification.Logged{Event: "system.feeds.data.withdrawn", Level: notification.LevelError,
		Message:  "The publisher took its newest vulnerability data back: the data before it is used again",
		Details:  map[string]any{"withdrawn": feed.Current.Checksum, "build": feed.Previous.Checksum, "built": feed.Previous.Built},
		Resource: feedResource}, since(began))
}

// notifyHeld follows the build on hold. It is called for as long as there is one.
func (a *Activities) notifyHeld(ctx context.Context, feed databuild.Feed) error {
	if feed.Held == nil {
		return nil
	}
	_, err := a.follow(ctx, condition.Wrong(onHold(feed.Held.Checksum), &condition.Found{Message: strings.Join(feed.Reasons, "; "), Since: feed.HeldSince}),
		map[string]any{"build": feed.Held.Checksum, "reasons": feed.Reasons})
	return err
}

func onHold(checksum string) condition.Key {
	return condition.Key{Kind: condition.OnHold, Resource: condition.Data, Name: checksum}
}

// endHold ends that a build is on hold which the publisher does not list any
// more, and returns its checksum. What a person has brought was never listed.
func (a *Activities) endHold(ctx context.Context, feed *databuild.Feed, listing vuln.Listing) (string, error) {
	held := feed.Held
	if held == nil || held.URL == "" || held.Checksum == listing.Checksum {
		return "", nil
	}
	if _, err := a.follow(ctx, condition.Wrong(onHold(held.Checksum), nil), map[string]any{"build": held.Checksum}); err != nil {
		return "", err
	}
	feed.Held, feed.Reasons, feed.HeldSince = nil, nil, time.Time{}
	return held.Checksum, a.Store.EndHold(ctx)
}
