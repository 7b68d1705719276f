package arguments

import (
	"context"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/starter/session"
)

// SaySubjects says which patterns match no watched tag: often the registry was forgotten.
func SaySubjects(ctx context.Context, s *session.Session, patterns ...string) error {
	if len(patterns) == 0 {
		return nil
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	watched, err := kept.Targets(ctx, subscription.TargetFilter{})
	if err != nil {
		return err
	}
	for _, pattern := range patterns {
		matches := slices.ContainsFunc(watched, func(t image.Target) bool { return image.SubjectMatches(pattern, t.Reference.String()) })
		switch registry, _, _ := strings.Cut(pattern, "/"); {
		case matches:
		case !strings.ContainsAny(registry, ".:*") && registry != "localhost":
			s.Say("The subject pattern %s matches no watched tag; the registry is part of it, as in docker.io/%s", pattern, pattern)
		case len(watched) > 0:
			s.Say("The subject pattern %s matches no watched tag now", pattern)
		}
	}
	return nil
}
