package activities

import (
	"context"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// noteConditions tells the event log what is wrong with the current data or its
// future, each condition once when it begins and once when it ends, and stores
// it. Data that nobody renews looks like data without news.
func (a *Activities) noteConditions(ctx context.Context, feed watch.Feed) error {
	var current vuln.Description
	if feed.Current != nil {
		current = *feed.Current
	}
	found, began, ended := vuln.Follow(feed.Conditions, vuln.Conditions(current, feed.Status, a.FeedMaxAge, a.now()))
	if slices.Equal(found, feed.Conditions) {
		return nil
	}
	if err := a.notifyConditions(ctx, feed, began, "", notification.LevelError); err != nil {
		return err
	}
	if err := a.notifyConditions(ctx, feed, ended, ".ended", notification.LevelInfo); err != nil {
		return err
	}
	return a.Store.NoteConditions(ctx, found, a.now())
}

// notifyConditions makes one event of all conditions of a kind.
func (a *Activities) notifyConditions(ctx context.Context, feed watch.Feed, conditions []vuln.Condition, suffix string, level notification.Level) error {
	for _, kind := range vuln.ConditionKinds {
		var texts, providers []string
		for _, c := range conditions {
			if c.Kind == kind {
				texts, providers = append(texts, c.Text), append(providers, c.Provider)
			}
		}
		if len(texts) == 0 {
			continue
		}
		message := strings.Join(texts, "; ")
		if suffix != "" {
			message = "No longer so: " + message
		}
		details := map[string]any{"status": feed.Status}
		if feed.Current != nil {
			details["build"], details["built"] = feed.Current.Checksum, feed.Current.Built
		}
		if named := slices.DeleteFunc(slices.Clone(providers), func(p string) bool { return p == "" }); len(named) > 0 {
			details["providers"] = named
		}
		err := a.log(ctx, notification.Logged{Event: "system.feeds." + string(kind) + suffix, Level: level, Message: message, Details: details, Resource: source},
			since(feed.ConditionsChanged)+" "+strings.Join(providers, " "))
		if err != nil {
			return err
		}
	}
	return nil
}
