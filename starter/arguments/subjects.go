package arguments

import (
	"context"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/session"
)

// SaySubjects says which patterns match no watched tag: often the registry was forgotten.
func SaySubjects(ctx context.Context, s *session.Session, patterns ...string) error {
	if len(patterns) == 0 {
		return nil
	}
	watched, err := operations.All(func(page operations.Page) ([]operations.TagStatus, string, error) {
		list, err := operations.ListTags.Run(ctx, s.System(), operations.TagsRequest{Page: page})
		return list.Tags, list.Next, err
	})
	if err != nil {
		return err
	}
	for _, pattern := range patterns {
		matches := slices.ContainsFunc(watched, func(t operations.TagStatus) bool { return image.SubjectMatches(pattern, t.Target.Reference.String()) })
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
