package tags

import (
	"context"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// notWatched says that nobody is subscribed to a target, and on which platforms
// its tag is watched, if it is.
func notWatched(ctx context.Context, s *session.Session, target image.Target) error {
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
			return exit.Refused("%s is watched without --platform (default: %s); omit --platform, or run: tagwatch subscribe %s --platform %s",
				target.Reference, image.DefaultPlatform, target.Reference, target.Platform)
		}
		found = append(found, "--platform "+each.Platform.String())
	}
	if found != nil {
		return exit.Refused("%s is not watched, but other platforms of this tag are: use %s", target, strings.Join(found, " or "))
	}
	return exit.Refused("%s is not watched; watch it with: tagwatch subscribe %s", target, subscribeWords(target))
}

// theTarget is the one argument with --platform, under the name by which it is
// watched.
func theTarget(ctx context.Context, s *session.Session) (image.Target, error) {
	target, err := arguments.Target(s)
	if err != nil {
		return target, err
	}
	return watchedAs(ctx, s, target), nil
}

// watchedAs is the target under the name by which it is watched: its own, unless
// another of its names is. Without a database nothing is known of that.
func watchedAs(ctx context.Context, s *session.Session, target image.Target) image.Target {
	kept, err := s.Store(ctx)
	if err != nil {
		return target
	}
	watched, err := kept.Namesakes(ctx, target)
	if err != nil || len(watched) == 0 || slices.Contains(watched, target) {
		return target
	}
	s.Say("%s is already subscribed as %s", target, watched[0])
	return watched[0]
}

// subscribeWords are the arguments that subscribe to a target.
func subscribeWords(target image.Target) string {
	if target.Platform == (image.Platform{}) {
		return target.Reference.String()
	}
	return target.Reference.String() + " --platform " + target.Platform.String()
}
