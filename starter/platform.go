package main

import (
	"context"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// notWatched says that nobody is subscribed to a target, and on which platforms
// its tag is watched, if it is.
func (s *session) notWatched(ctx context.Context, target image.Target) error {
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	repository := target.Reference.Repository
	targets, err := kept.Targets(ctx, watch.TargetFilter{Repository: &repository})
	if err != nil {
		return err
	}
	var found []string
	for _, each := range targets {
		if each.Reference != target.Reference {
			continue
		}
		if each.Platform == (image.Platform{}) {
			return refused("%s is watched without --platform, which takes %s from an image of several; leave it out, or watch it with: tagwatch subscribe %s --platform %s",
				target.Reference, image.DefaultPlatform, target.Reference, target.Platform)
		}
		found = append(found, "--platform "+each.Platform.String())
	}
	if found == nil {
		return refused("nobody is subscribed to %s; watch it with: tagwatch subscribe %s", target, subscribeWords(target))
	}
	return refused("nobody is subscribed to %s, but it is watched on others: give %s", target, strings.Join(found, " or "))
}

// subscribeWords are the arguments that subscribe to a target.
func subscribeWords(target image.Target) string {
	if target.Platform == (image.Platform{}) {
		return target.Reference.String()
	}
	return target.Reference.String() + " --platform " + target.Platform.String()
}
