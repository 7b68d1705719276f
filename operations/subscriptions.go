package operations

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ListSubscriptions lists the active subscriptions, those of a tag together.
var ListSubscriptions = Operation[SubscriptionsRequest, SubscriptionList]{Name: "list-subscriptions", Summary: "List the active subscriptions",
	Method: http.MethodGet, Path: "/subscriptions", Scope: token.Read, do: listSubscriptions}

// SubscriptionsRequest selects subscriptions.
type SubscriptionsRequest struct {
	Places
	Types []notification.Type `query:"type" maxItems:"20" doc:"Only of these notification types."`
	Page
}

// SubscriptionList is a page of subscriptions.
type SubscriptionList struct {
	Subscriptions []Subscription `json:"subscriptions"`
	Next          string         `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Subscription is a subscription to one type of notification of one tag.
type Subscription struct {
	ID      string               `json:"subscription_id"`
	Target  image.Target         `json:"target"`
	Type    notification.Type    `json:"type"`
	Options subscription.Options `json:"options"`
	// Repository is the watched repository that brought it.
	Repository string `json:"repository,omitempty"`
	// Source is the source that brought it.
	Source  string    `json:"source,omitempty"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// listSubscriptions never parts the subscriptions of a tag.
func listSubscriptions(ctx context.Context, s *System, request SubscriptionsRequest) (SubscriptionList, error) {
	list := SubscriptionList{Subscriptions: []Subscription{}}
	if err := oneOf("type", notification.TagTypes, request.Types...); err != nil {
		return list, err
	}
	within, err := request.within()
	if err != nil {
		return list, err
	}
	limit, err := request.limit()
	if err != nil {
		return list, err
	}
	if limit < len(notification.TagTypes) {
		return list, &InvalidValue{Field: "limit", Value: limit, Expected: fmt.Sprintf("%d, the subscriptions of one tag, to %d", len(notification.TagTypes), MostPage)}
	}
	filter := subscription.TargetFilter{Limit: readAtOnce}
	if filter.After, err = request.name(); err != nil {
		return list, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return list, err
	}
	for read := 0; s.mayRead(read); read += readAtOnce {
		targets, err := kept.Targets(ctx, filter)
		if err != nil {
			return list, err
		}
		visible := slices.DeleteFunc(slices.Clone(targets), func(t image.Target) bool { return !s.Bounds.Include(t) || !within(t) })
		found, err := kept.SubscriptionsOf(ctx, visible)
		if err != nil {
			return list, err
		}
		for _, target := range visible {
			subs := slices.DeleteFunc(found[target], func(sub subscription.Subscription) bool {
				return len(request.Types) > 0 && !slices.Contains(request.Types, sub.Type)
			})
			if len(list.Subscriptions)+len(subs) > limit {
				list.Next = cursorOf(list.Subscriptions[len(list.Subscriptions)-1].Target.String())
				return list, nil
			}
			for _, sub := range subs {
				list.Subscriptions = append(list.Subscriptions, s.subscriptionOf(sub))
			}
		}
		if len(targets) < readAtOnce {
			return list, nil
		}
		filter.After = targets[len(targets)-1].String()
	}
	list.Next = cursorOf(filter.After)
	return list, nil
}

// namesAtOnce is how many names are read in one step: they are all that is read.
const namesAtOnce = 5000

// SubscriptionKey is the tag or the repository that the id of a subscription is made from,
// and its type; "" if the caller sees none. The id is a hash, and only the names of tags
// and repositories are read to find it.
func (s *System) SubscriptionKey(ctx context.Context, id string) (key string, t notification.Type, err error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return "", "", err
	}
	repositories, err := kept.Repositories(ctx)
	if err != nil {
		return "", "", err
	}
	for _, r := range repositories {
		if s.Bounds.IncludeRepository(r.Name) && subscription.ID(s.Account, r.Name.String(), notification.RepoUpdate) == id {
			return r.Name.String(), notification.RepoUpdate, nil
		}
	}
	for filter := (subscription.TargetFilter{Limit: namesAtOnce}); ; {
		targets, err := kept.Targets(ctx, filter)
		if err != nil {
			return "", "", err
		}
		for _, target := range targets {
			filter.After = target.String()
			for _, t := range notification.DefaultTypes {
				if subscription.ID(s.Account, filter.After, t) == id && s.Bounds.Include(target) {
					return filter.After, t, nil
				}
			}
		}
		if len(targets) < namesAtOnce {
			return "", "", nil
		}
	}
}

func (s *System) subscriptionOf(sub subscription.Subscription) Subscription {
	shown := Subscription{ID: sub.ID(s.Account), Target: sub.Target, Type: sub.Type, Options: sub.Options, Created: sub.Created, Updated: sub.Updated}
	shown.Source = sub.Source
	if sub.Repository != (image.Repository{}) {
		shown.Repository = sub.Repository.String()
	}
	return shown
}
