package tags

import (
	"context"
	"errors"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

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
	named, err := operations.NameTag.Run(ctx, s.System(), operations.OfTag(target))
	if err != nil || named.Target == target {
		return target
	}
	s.Say("%s is already subscribed as %s", target, named.Target)
	return named.Target
}

// analyzed is the last analyzed image of a tag. matched requires that its vulnerabilities
// are known.
func analyzed(ctx context.Context, s *session.Session, target image.Target, matched bool) (operations.TagImage, error) {
	found, err := operations.ShowImage.Run(ctx, s.System(), operations.ImageRequest{TagRequest: operations.OfTag(target), Matched: matched})
	if err != nil {
		return found, notYet(err)
	}
	sayEarlier(s, found.Digest, found.Current)
	return found, nil
}

// notYet marks what is only not known yet as a failure: it is no negative result.
func notYet(err error) error {
	if errors.Is(err, errkind.Conflict) {
		return exit.Unable(err)
	}
	return err
}

// sayEarlier says that what is known is not about the image that the tag points to.
func sayEarlier(s *session.Session, analyzed image.Digest, current *operations.NotAnalyzed) {
	if current == nil {
		return
	}
	s.Say("The current image %s of the tag %s", current.Digest.Short(), current.Reason)
	s.Say("Results below are for image %s, the last analyzed one", analyzed.Short())
}
