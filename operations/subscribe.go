package operations

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/workflows"
)

// Subscribe starts watching tags.
var Subscribe = Operation[SubscribeRequest, Subscribed]{Name: "subscribe", Summary: "Watch tags and get notified of changes",
	Method: http.MethodPost, Path: "/subscriptions", Scope: token.Act, Creates: true, do: subscribe}

// SubscribeRequest subscribes to tags, all with the same types and options. What is
// subscribed to already gets the options and the further types.
type SubscribeRequest struct {
	// Tags are named as people do, with a digest to pin the tag to.
	Tags    []string             `json:"tags" minItems:"1" maxItems:"200" doc:"The tags: name:tag, name@digest or name:tag@digest, each with @os/arch behind it for another platform than linux/amd64." example:"[\"docker.io/library/nginx:1.27\"]"`
	Types   []notification.Type  `json:"types,omitempty" maxItems:"20" doc:"Notification types; all of a tag but runtime_update by default."`
	Options subscription.Options `json:"options,omitzero" doc:"What narrows the subscriptions."`
	// Interval is how often to check the tags; the worker's by default.
	Interval string `json:"interval,omitempty" maxLength:"20" doc:"How often to check the tags, such as 5m; at least 30s. The worker's by default." example:"5m"`
	// Unverified does not ask the registry whether the tags exist.
	Unverified bool `json:"unverified,omitempty" doc:"Do not check that the tags exist in the registry."`
}

// Subscribed is what became of each tag of a request, in order.
type Subscribed struct {
	Results []SubscribeResult `json:"results"`
}

// SubscribeResult is what became of one tag.
type SubscribeResult struct {
	SubscribedTag
	// Refused is why nothing was stored for it.
	Refused *TagRefusal `json:"refused,omitempty"`
}

// SubscribedTag is what one tag is subscribed to.
type SubscribedTag struct {
	Target image.Target `json:"target"`
	// Already reports that the tag was watched before.
	Already bool `json:"already"`
	// Replaced is what the request changed about its subscriptions.
	Replaced  []subscription.Replacement `json:"replaced,omitempty"`
	Types     []notification.Type        `json:"types"`
	Digest    image.Digest               `json:"digest,omitempty"`
	Index     image.Digest               `json:"index_digest,omitempty"`
	Pin       image.Digest               `json:"pin,omitempty"`
	LeftPin   bool                       `json:"left_pin,omitempty"`
	Endpoints []string                   `json:"endpoints"`
}

// TagRefusal is why nothing was done about one of several tags.
type TagRefusal struct {
	Kind    string `json:"kind,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Err is the refusal as an error.
func (r TagRefusal) Err() error {
	return &Refusal{Kind: errkind.ByName(r.Kind), Text: r.Message, Hint: r.Hint}
}

// tagTimeout is how long a registry may take for each tag, several at a time.
const tagTimeout = 5 * time.Second

func subscribe(ctx context.Context, s *System, request SubscribeRequest) (Subscribed, error) {
	asked, err := s.subscription(ctx, request)
	if err != nil {
		return Subscribed{}, err
	}
	var results []subscription.Result
	timeout := requestTimeout + time.Duration(len(asked.Targets))*tagTimeout
	err = s.ask(ctx, workflows.SubscribeSummary(asked), timeout, func(ctx context.Context, c client.Client) (err error) {
		results, err = c.Subscribe(ctx, asked)
		return err
	})
	if err != nil {
		return Subscribed{}, refused(err)
	}
	subscribed := Subscribed{Results: []SubscribeResult{}}
	for _, result := range results {
		pin := asked.Pins[result.Target]
		one := SubscribeResult{SubscribedTag: SubscribedTag{Target: result.Target, Already: result.Already, Replaced: result.Replaced, Types: append([]notification.Type{}, result.Types...), Digest: result.Resolved.Manifest, Index: result.Resolved.Index,
			Pin: pin, LeftPin: result.Resolved.LeftPin(pin), Endpoints: append([]string{}, result.Endpoints...)}}
		if result.Refused != nil {
			one.Refused = &TagRefusal{Kind: result.Refused.Kind, Message: result.Refused.Message}
		}
		subscribed.Results = append(subscribed.Results, one)
	}
	return subscribed, nil
}

// subscription is what a request asks of the workers. A tag has the name by which it is
// watched, and one outside of the caller's bounds does not exist for the caller.
func (s *System) subscription(ctx context.Context, request SubscribeRequest) (subscription.Request, error) {
	asked := subscription.Request{Types: request.Types, Options: request.Options, Unverified: request.Unverified, Pins: map[image.Target]image.Digest{}}
	if err := oneOf("type", notification.TagTypes, request.Types...); err != nil {
		return asked, err
	}
	if len(asked.Types) == 0 {
		asked.Types = notification.DefaultTypes
	}
	if err := checkOptions(request.Options); err != nil {
		return asked, err
	}
	if request.Interval != "" {
		interval, err := time.ParseDuration(request.Interval)
		if err != nil || interval < subscription.ShortestPoll {
			return asked, &InvalidValue{Field: "interval", Value: request.Interval, Expected: "at least " + subscription.ShortestPoll.String()}
		}
		asked.Poll = interval
	}
	if request.Options.Pin != "" {
		return asked, refused(fmt.Errorf("a pin belongs to one tag; write it behind the tag, as in name:tag@digest: %w", errkind.Invalid))
	}
	for _, text := range request.Tags {
		target, pin, err := image.ParsePinned(text)
		if err != nil {
			return asked, refused(err)
		}
		if !s.Bounds.Include(target) {
			return asked, outside(target)
		}
		named, err := s.name(ctx, target)
		if err != nil {
			return asked, err
		}
		if pin != "" {
			asked.Pins[named.Target] = pin
		}
		asked.Targets = append(asked.Targets, named.Target)
	}
	if len(asked.Targets) == 0 || len(asked.Targets) > subscription.MostTargets {
		return asked, refused(fmt.Errorf("%d tags in one request: expected 1 to %d: %w", len(asked.Targets), subscription.MostTargets, errkind.Invalid))
	}
	return asked, nil
}

// outside refuses a change of what is not within the caller's bounds.
func outside(target image.Target) error {
	return notFound("", "%s is not among the tags that the given token is for", target)
}

// checkOptions refuses values that no subscription can have.
func checkOptions(o subscription.Options) error {
	if err := oneOf("options.causes", notification.Causes, o.Causes...); err != nil {
		return err
	}
	if o.MinSeverity != "" {
		if err := oneOf("options.min_severity", vuln.Severities, o.MinSeverity); err != nil {
			return err
		}
	}
	if !(o.EPSS >= 0 && o.EPSS < 1) {
		return &InvalidValue{Field: "options.epss", Value: o.EPSS, Expected: "a probability from 0 to 1, such as 0.1"}
	}
	if err := endpoint.ValidateLabels(o.Labels); err != nil {
		return &Refusal{Kind: errkind.Invalid, Text: err.Error()}
	}
	if o.When == "" {
		return nil
	}
	if _, err := filter.Compile(o.When); err != nil {
		return &Refusal{Kind: errkind.Invalid, Text: "invalid options.when: " + errkind.Text(err)}
	}
	return nil
}
