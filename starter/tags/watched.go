package tags

import (
	"context"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
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
	repository := target.Reference.Repository
	targets, err := kept.Targets(ctx, subscription.TargetFilter{Repository: &repository})
	if err != nil {
		return err
	}
	var found []string
	for _, each := range targets {
		if each.Reference != target.Reference {
			continue
		}
		if each.Platform == (image.Platform{}) {
			return exit.Refused("%s is watched without --platform (default: %s); omit --platform, or run: tagwatch subscribe %s --platform %s",
				target.Reference, image.DefaultPlatform, target.Reference, target.Platform)
		}
		found = append(found, "--platform "+each.Platform.String())
	}
	if found != nil {
		return exit.Refused("%s is not watched, but other platforms of this tag are: use %s", target, strings.Join(found, " or "))
	}
	if other, ok := otherName(target); ok {
		if watched, err := kept.Targets(ctx, subscription.TargetFilter{Repository: &other.Reference.Repository}); err == nil && slices.Contains(watched, other) {
			return exit.Refused("%s is not watched, but %s is, the same image on Docker Hub: use that name", target, subscribeWords(other))
		}
	}
	return exit.Refused("%s is not watched; watch it with: tagwatch subscribe %s", target, subscribeWords(target))
}

// otherName is the target under the other name that Docker Hub has for an
// official image, with or without library/.
func otherName(target image.Target) (image.Target, bool) {
	const official = "library/"
	path := target.Reference.Path
	if target.Reference.Registry != image.DefaultRegistry {
		return target, false
	}
	if short, found := strings.CutPrefix(path, official); found {
		target.Reference.Path = short
		return target, true
	}
	target.Reference.Path = official + path
	return target, !strings.Contains(path, "/")
}

// subscribeWords are the arguments that subscribe to a target.
func subscribeWords(target image.Target) string {
	if target.Platform == (image.Platform{}) {
		return target.Reference.String()
	}
	return target.Reference.String() + " --platform " + target.Platform.String()
}
