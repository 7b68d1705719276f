package operations

import (
	"context"
	"net/http"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
)

// AtomPath is the address of the Atom feed below /api/v1.
const AtomPath = "/notifications.atom"

// ReadAtom is the last notifications of a tag, of a repository and its tags, or of all, the
// newest first, for feed readers.
var ReadAtom = Operation[AtomRequest, NotificationList]{Name: "read-atom", Summary: "Read the last notifications as an Atom feed",
	Method: http.MethodGet, Path: AtomPath, Scope: token.Feed, do: readAtom}

// AtomRequest selects notifications: of a tag, of a repository, or all of them.
type AtomRequest struct {
	Ref        string `query:"ref" maxLength:"600" doc:"Only about this tag, by any of its names."`
	Platform   string `query:"platform" maxLength:"100" doc:"The os/arch that the tag is watched for; linux/amd64 by default."`
	Repository string `query:"repository" maxLength:"600" doc:"Only about this repository and its tags."`
}

// atomEntries is how many notifications a feed has at most.
const atomEntries = 50

func readAtom(ctx context.Context, s *System, request AtomRequest) (NotificationList, error) {
	filter := store.NotificationFilter{Newest: true}
	switch {
	case request.Ref != "" && request.Repository != "":
		return NotificationList{}, &Refusal{Kind: errkind.Invalid, Text: "give either ref or repository"}
	case request.Ref != "":
		known, err := s.watched(ctx, TagRequest{Ref: request.Ref, Platform: request.Platform})
		if err != nil {
			return NotificationList{}, err
		}
		filter.Subject = known.Target.String()
	case request.Repository != "":
		repository, err := image.ParseRepository(request.Repository)
		if err != nil {
			return NotificationList{}, refused(err)
		}
		filter.Repository = repository
	}
	return s.readNotifications(ctx, filter, 0, atomEntries)
}
