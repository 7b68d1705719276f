package operations

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TagRequest names a tag, by any of its names.
type TagRequest struct {
	Ref      string `query:"ref" required:"true" minLength:"1" maxLength:"600" doc:"The tag, such as docker.io/library/nginx:1.27." example:"docker.io/library/nginx:1.27"`
	Platform string `query:"platform" maxLength:"100" doc:"The os/arch that it is watched for; linux/amd64 by default."`
}

// OfTag is a request for exactly this target.
func OfTag(target image.Target) TagRequest {
	return TagRequest{Ref: target.Reference.String(), Platform: target.Platform.String()}
}

func (r TagRequest) target() (image.Target, error) {
	target, _, err := image.ParsePinned(r.Ref)
	if err != nil {
		return target, refused(err)
	}
	platform, err := image.ParsePlatform(r.Platform)
	if platform != (image.Platform{}) {
		target.Platform = platform
	}
	return target, refused(err)
}

// NameTag completes the name of a tag.
var NameTag = Operation[TagRequest, TagName]{Name: "name-tag", Summary: "Find the name by which a tag is watched",
	Method: http.MethodGet, Path: "/tag/name", Scope: token.Read, do: nameTag}

// TagName is the name by which a tag is watched: its own, unless another of its names is.
type TagName struct {
	Target  image.Target `json:"target"`
	Watched bool         `json:"watched"`
}

func nameTag(ctx context.Context, s *System, request TagRequest) (TagName, error) {
	target, err := request.target()
	if err != nil {
		return TagName{}, err
	}
	return s.name(ctx, target)
}

func (s *System) name(ctx context.Context, target image.Target) (TagName, error) {
	own := TagName{Target: target}
	if !s.Bounds.Include(target) {
		return own, nil
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return own, err
	}
	watched, err := kept.Namesakes(ctx, target)
	switch {
	case err != nil || len(watched) == 0:
		return own, err
	case slices.Contains(watched, target):
		own.Watched = true
		return own, nil
	}
	return TagName{Target: watched[0], Watched: true}, nil
}

// ShowTag shows what was last recorded of a tag.
var ShowTag = Operation[TagRequest, TagStatus]{Name: "show-tag", Summary: "Show the status of a tag",
	Method: http.MethodGet, Path: "/tag", Scope: token.Read, do: showTag}

func showTag(ctx context.Context, s *System, request TagRequest) (TagStatus, error) {
	known, err := readWatched(ctx, s, request, (*store.Store).TagDetail)
	if err != nil {
		return TagStatus{}, err
	}
	status := statusOf(known.Summary)
	status.Unreadable, status.Running, status.Labels = known.Unreadable, known.Running, map[string]string{}
	for _, sub := range known.Subscriptions {
		status.Types = append(status.Types, sub.Type)
		status.Pin = cmp.Or(status.Pin, sub.Options.Pin)
		maps.Copy(status.Labels, sub.Options.Labels)
	}
	status.LeftPin = known.Resolved.LeftPin(status.Pin)
	return status, nil
}

// watched is what was last recorded of a tag that somebody is subscribed to.
func (s *System) watched(ctx context.Context, request TagRequest) (watch.Summary, error) {
	return readWatched(ctx, s, request, (*store.Store).Summary)
}

// readWatched reads something of a tag that somebody is subscribed to, under any of its
// names.
func readWatched[T any](ctx context.Context, s *System, request TagRequest, read func(*store.Store, context.Context, image.Target) (T, error)) (none T, err error) {
	target, err := request.target()
	if err != nil {
		return none, err
	}
	if !s.Bounds.Include(target) {
		return none, isNotWatched(target)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	known, err := read(kept, ctx, target)
	if !errors.Is(err, errkind.NotFound) {
		return known, err
	}
	named, err := s.name(ctx, target)
	if err != nil {
		return none, err
	}
	if named.Target == target {
		return none, s.notWatched(ctx, target)
	}
	return read(kept, ctx, named.Target)
}

// notWatched says that nobody is subscribed to a target, and on which platforms its tag
// is watched, if it is. A tag outside of the caller's bounds is not watched as far as the
// caller knows.
func (s *System) notWatched(ctx context.Context, target image.Target) error {
	if !s.Bounds.Include(target) {
		return isNotWatched(target)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	targets, err := kept.Targets(ctx, subscription.TargetFilter{Reference: &target.Reference})
	if err != nil {
		return err
	}
	var found []string
	for _, each := range targets {
		if each.Platform == (image.Platform{}) {
			return notFound("omit --platform, or run: tagwatch subscribe "+target.Reference.String()+" --platform "+target.Platform.String(),
				"%s is watched without --platform (default: %s)", target.Reference, image.DefaultPlatform)
		}
		found = append(found, "--platform "+each.Platform.String())
	}
	if found != nil {
		return notFound("", "%s is not watched, but other platforms of this tag are: use %s", target, strings.Join(found, " or "))
	}
	return isNotWatched(target)
}

func isNotWatched(target image.Target) error {
	return notFound("watch it with: tagwatch subscribe "+SubscribeWords(target), "%s is not watched", target)
}

// SubscribeWords are the arguments of the command line that subscribe to a target.
func SubscribeWords(target image.Target) string {
	if target.Platform == (image.Platform{}) {
		return target.Reference.String()
	}
	return target.Reference.String() + " --platform " + target.Platform.String()
}
