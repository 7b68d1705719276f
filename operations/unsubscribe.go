package operations

import (
	"context"
	"errors"
	"net/http"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// Unsubscribe stops watching tags.
var Unsubscribe = Operation[UnsubscribeRequest, Unsubscribed]{Name: "unsubscribe", Summary: "End subscriptions of tags",
	Method: http.MethodPost, Path: "/subscriptions/end", Scope: token.Act, do: unsubscribe}

// UnsubscribeRequest ends the subscriptions of tags. A tag without any is no longer
// watched, and what was recorded of it is deleted.
type UnsubscribeRequest struct {
	Tags  []string            `json:"tags" minItems:"1" maxItems:"200" doc:"The tags, each with @os/arch behind it for another platform than linux/amd64." example:"[\"docker.io/library/nginx:1.27\"]"`
	Types []notification.Type `json:"types,omitempty" maxItems:"20" doc:"Only subscriptions of these types; all by default."`
}

// Unsubscribed is what became of each tag of a request, in order.
type Unsubscribed struct {
	Results []UnsubscribeResult `json:"results"`
	// Delayed is why the tags' workflows show it later only; what is stored counts.
	Delayed string `json:"delayed,omitempty"`
}

// UnsubscribedTag is what is left of one tag's subscriptions.
type UnsubscribedTag struct {
	Target image.Target `json:"target"`
	Left   int          `json:"subscriptions_left"`
}

// UnsubscribeResult is what became of one tag.
type UnsubscribeResult struct {
	UnsubscribedTag
	// Refused is why nothing was done about it.
	Refused *TagRefusal `json:"refused,omitempty"`
}

func unsubscribe(ctx context.Context, s *System, request UnsubscribeRequest) (Unsubscribed, error) {
	answer := Unsubscribed{Results: []UnsubscribeResult{}}
	if err := oneOf("type", notification.TagTypes, request.Types...); err != nil {
		return answer, err
	}
	targets, err := s.targets(ctx, request.Tags)
	if err != nil {
		return answer, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return answer, err
	}
	for _, target := range targets {
		one := UnsubscribeResult{UnsubscribedTag: UnsubscribedTag{Target: target}}
		one.Left, err = s.end(ctx, kept, target, request.Types)
		if one.Refused, err = refusalOf(err); err != nil {
			return answer, err
		}
		if one.Refused == nil && answer.Delayed == "" {
			answer.Delayed = s.wake(ctx, target)
		}
		answer.Results = append(answer.Results, one)
	}
	return answer, nil
}

// targets are named tags within the caller's bounds, under the names by which they are
// watched.
func (s *System) targets(ctx context.Context, tags []string) ([]image.Target, error) {
	if len(tags) == 0 || len(tags) > MostTags {
		return nil, &InvalidValue{Field: "tags", Value: len(tags), Expected: "1 to 200 tags"}
	}
	targets := make([]image.Target, len(tags))
	for i, text := range tags {
		target, _, err := image.ParsePinned(text)
		if err != nil {
			return nil, refused(err)
		}
		named, err := s.name(ctx, target)
		if err != nil {
			return nil, err
		}
		targets[i] = named.Target
	}
	return targets, nil
}

// MostTags is how many tags one request names at most.
const MostTags = 200

func (s *System) end(ctx context.Context, kept *store.Store, target image.Target, types []notification.Type) (left int, err error) {
	if !s.Bounds.Include(target) {
		return 0, s.notWatched(ctx, target)
	}
	left, err = kept.Unsubscribe(ctx, target, types, s.Now)
	switch {
	case !errors.Is(err, errkind.NotFound):
		return left, err
	case len(types) > 0:
		return 0, notFound("see: tagwatch subscriptions", "no %s subscription for %s", wording.List(types), target)
	}
	return 0, s.notWatched(ctx, target)
}

// wake has the watcher of a tag end, or show what is left, and says why it cannot. It
// would find out by itself.
func (s *System) wake(ctx context.Context, target image.Target) (delayed string) {
	err := s.ask(ctx, "wake the workflow of "+target.String(), signalTimeout, func(ctx context.Context, c client.Client) error {
		return c.WakeTag(ctx, target, watcher.WakeSubscription)
	})
	if err != nil {
		return errkind.Text(err)
	}
	return ""
}

// refusalOf tells what is wrong with one tag from what ends the whole request, as a
// database or a Temporal that does not respond.
func refusalOf(err error) (*TagRefusal, error) {
	known, ok := errors.AsType[*Refusal](err)
	if !ok || errors.Is(known.Kind, errkind.Unavailable) {
		return nil, err
	}
	return &TagRefusal{Kind: errkind.Name(known.Kind), Message: known.Text, Hint: known.Hint}, nil
}
