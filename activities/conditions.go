package activities

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// conditionStore keeps what fails or is wrong.
type conditionStore interface {
	Conditions(ctx context.Context, scope condition.Scope) ([]condition.Condition, error)
	FollowConditions(ctx context.Context, report condition.Report, now time.Time,
		announce func([]condition.Change) ([]notification.Notification, error), window time.Duration) (changes []condition.Change, endpoints []string, err error)
	DelayedAt(ctx context.Context, registry string) (*condition.Condition, error)
}

// follow stores what a check makes of conditions, with one event for all of a kind
// that begin and one for all that recover, and wakes whom the events go to. Details
// are added to each event.
func (a *Activities) follow(ctx context.Context, report condition.Report, details map[string]any) ([]condition.Change, error) {
	changes, endpoints, err := a.Store.FollowConditions(ctx, report, a.now(), func(changes []condition.Change) ([]notification.Notification, error) {
		var notifications []notification.Notification
		for _, alike := range divide(changes, func(c condition.Change) string { return string(c.Transition) + " " + string(c.Of().Kind) }) {
			if t := alike[0].Transition; t != condition.Began && t != condition.Recovered {
				continue
			}
			n, err := a.announcement(ctx, alike, details)
			if err != nil {
				return nil, err
			}
			notifications = append(notifications, n)
		}
		return notifications, nil
	}, a.Window)
	if err != nil {
		return nil, err
	}
	for _, change := range changes {
		level := slog.LevelInfo
		if change.Transition == condition.Began {
			level = slog.LevelWarn
		}
		c := change.Of()
		a.Log.Log(ctx, level, "condition "+string(change.Transition), "kind", c.Kind, string(c.Resource), c.Name, "message", c.Message)
	}
	if repeated(ctx) {
		// The first time may have stored deliveries and not have come to wake anybody.
		if endpoints, err = a.Store.BacklogEndpoints(ctx); err != nil {
			return nil, err
		}
	}
	return changes, a.WakeEndpoints(ctx, endpoints)
}

// wording is what the event log says of a kind of condition.
type wording struct {
	began, recovered string // names of the events
	says             func(condition.Condition) string
	again            string // message of the event that it recovered; "" for one that repeats what was wrong
	since            string // detail of that event that says since when it was so; "" for none
}

func after(words string) func(condition.Condition) string {
	return func(c condition.Condition) string { return words + c.Message }
}

func stepFails(c condition.Condition) string {
	return "The step " + c.Step + " keeps failing: " + c.Message
}

const failingSince = "failing_since"

// wordings are those of all kinds but the ones of the vulnerability data, whose names
// and messages are those of the events.
var wordings = map[condition.Kind]wording{
	condition.Unlistable: {"system.repository.list_tags_fail", "system.repository.list_tags_recovered",
		after("Failed to list tags in repository: "), "Tags in repository can be listed again", failingSince},
	condition.Unreadable: {"system.source.read_failed", "system.source.read_recovered",
		after("Source is not followed: "), "Source is followed again", failingSince},
	condition.Unidentified: {"system.source.unidentified", "system.source.identified",
		after("Not known whether workloads run another image: "), "It is known again which images workloads run", failingSince},
	condition.NotApplied: {"system.configuration.not_applied", "system.configuration.applied",
		after("The folder of documents is not applied: "), "The folder of documents is applied again", failingSince},
	condition.Unresolved: {"system.image_analysis.registry_lookup_failed", "system.image_analysis.registry_lookup_recovered",
		after("Referenced image not found in registry: "), "Referenced image is found in the registry again", failingSince},
	condition.Failing: {"system.endpoint.failing", "system.endpoint.recovered",
		after("Endpoint does not take notifications: "), "Endpoint takes notifications again", failingSince},
	condition.SourceUnreachable: {"system.feeds.sync.failed", "system.feeds.sync.recovered",
		after("Vulnerability data cannot be fetched: "), "Vulnerability data can be fetched again", failingSince},
	condition.OnHold: {"system.feeds.sync.held", "system.feeds.sync.hold_ended",
		func(condition.Condition) string {
			return "New vulnerability data is on hold; use it with: tagwatch feed release"
		}, "Vulnerability data is not on hold any more: its publisher does not list it any more", "held_since"},
	condition.Unreachable: {"system.registry.failing", "system.registry.recovered",
		after("Registry does not answer: "), "Registry answers again", failingSince},
	condition.StepFails: {"system.step.failing", "system.step.recovered", stepFails, "All steps succeed again", failingSince},
	condition.Delayed:   {"system.step.failing", "system.step.recovered", stepFails, "Images are analyzed again", failingSince},
}

// announcement is the event of conditions of one kind that make the same transition.
func (a *Activities) announcement(ctx context.Context, alike []condition.Change, details map[string]any) (notification.Notification, error) {
	first := alike[0].Of()
	words, own := wordings[first.Kind]
	if !own {
		words = wording{began: "system.feeds." + string(first.Kind), recovered: "system.feeds." + string(first.Kind) + ".ended", says: after("")}
	}
	entry := notification.Logged{Event: words.began, Level: notification.LevelError, Details: maps.Clone(details),
		Resource: notification.Resource{ID: first.Name, Kind: resourceKinds[first.Resource]}}
	add := func(name string, detail any) {
		if entry.Details == nil {
			entry.Details = map[string]any{}
		}
		entry.Details[name] = detail
	}
	var says, occasion []string
	for _, change := range alike {
		c := change.Of()
		says, occasion = append(says, words.says(c)), append(occasion, string(c.Kind)+" "+c.Name+" "+since(c.Since))
	}
	entry.Message = strings.Join(says, "; ")
	switch {
	case slices.Contains(condition.StepConditions, first.Kind):
		add("stage", first.Step)
	case first.Resource == condition.Data && first.Kind != condition.OnHold:
		entry.Resource = feedResource
		if providers := providersOf(alike); len(providers) > 0 {
			add("providers", providers)
		}
	}
	if alike[0].Transition == condition.Recovered {
		entry.Event, entry.Level = words.recovered, notification.LevelInfo
		entry.Message = cmp.Or(words.again, "No longer so: "+entry.Message)
		if words.since != "" {
			add(words.since, first.Since)
		}
	}
	return a.entry(ctx, entry, strings.Join(occasion, "\n"))
}

// feedResource is the resource of events about where the vulnerability data comes from.
var feedResource = notification.Resource{ID: condition.AllData, Kind: "feeds"}

func providersOf(changes []condition.Change) (names []string) {
	for _, change := range changes {
		if name := change.Of().Name; name != condition.AllData {
			names = append(names, name)
		}
	}
	return names
}

// resourceKinds are the resources in the event log's words.
var resourceKinds = map[condition.Resource]string{
	condition.Tag: "image_tag", condition.Registry: "registry", condition.Repository: "repository",
	condition.Endpoint: "endpoint", condition.Task: "task", condition.Data: "feeds",
	condition.Source: "source",
}

// FollowConditions stores what a workflow finds wrong, or not wrong any more, with
// what it is about.
func (a *Activities) FollowConditions(ctx context.Context, report condition.Report) error {
	if report.Resource != condition.Tag {
		_, err := a.follow(ctx, report, nil)
		return classify(err)
	}
	target, err := image.ParseTarget(report.Name)
	if err != nil {
		return classify(fmt.Errorf("%w: %w", err, errkind.Invalid))
	}
	return classify(a.followTag(ctx, target, report))
}

// followTag has one condition stand for all tags whose analysis waits for their
// registry, and one for all that wait for a worker that analyzes.
func (a *Activities) followTag(ctx context.Context, target image.Target, report condition.Report) error {
	idle, err := a.delay(ctx)
	if err != nil {
		return err
	}
	waiting := len(report.Found) > 0 && report.Found[0].Kind == condition.Delayed
	if waiting {
		report.Found[0].Silent = idle != nil || report.Found[0].ErrorKind == errkind.Name(errkind.Unavailable)
	}
	if _, err := a.follow(ctx, report, nil); err != nil {
		return err
	}
	if idle == nil || waiting {
		key := condition.Key{Kind: condition.Delayed, Resource: condition.Task, Name: analyses}
		if _, err := a.follow(ctx, condition.Wrong(key, idle.Wrong()), nil); err != nil {
			return err
		}
	}
	return a.followDelays(ctx, target.Reference.Registry, waiting)
}

// analyses is the task of analyzing images.
const analyses = "analyze-images"

// outageFor is how long a registry that responds may fail to deliver images before that
// is confirmed.
const outageFor = 5 * time.Minute

// followDelays follows whether analyses wait for the registry. That begins when one
// has failed while the registry responds, and ends with the last one that waits: each is
// tried again in its own time, some long after the registry is back.
func (a *Activities) followDelays(ctx context.Context, registry string, failed bool) error {
	delayed, err := a.Store.DelayedAt(ctx, registry)
	if err != nil {
		return err
	}
	list, err := a.Store.Conditions(ctx, condition.Scope{Resource: condition.Registry, Name: registry})
	if err != nil {
		return err
	}
	key := condition.Key{Kind: condition.Delayed, Resource: condition.Registry, Name: registry}
	unreachable := slices.ContainsFunc(list, func(c condition.Condition) bool { return c.Kind == condition.Unreachable && c.Confirmed })
	notified := slices.ContainsFunc(list, func(c condition.Condition) bool { return c.Key == key && !c.Notified.IsZero() })
	var found *condition.Found
	if delayed != nil {
		if notified || !failed {
			return nil
		}
		if !unreachable {
			found = &condition.Found{Step: delayed.Step, ErrorKind: delayed.ErrorKind, Message: delayed.Message, For: outageFor}
		}
	}
	_, err = a.follow(ctx, condition.Wrong(key, found), nil)
	return err
}
