package operations

import (
	"context"
	"errors"
	"net/http"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// Rescan requests a full check of tags now.
var Rescan = Operation[RescanRequest, Rescans]{Name: "rescan", Summary: "Check and evaluate tags now",
	Method: http.MethodPost, Path: "/rescans", Scope: token.Act, Accepted: true, Creates: true, do: rescan}

// RescanRequest names watched tags.
type RescanRequest struct {
	Tags []string `json:"tags" minItems:"1" maxItems:"200" doc:"The tags, each with @os/arch behind it for another platform than linux/amd64." example:"[\"docker.io/library/nginx:1.27\"]"`
}

// Rescans is what became of each tag of a request, in order.
type Rescans struct {
	Results []RescannedTag `json:"results"`
	// Unfinished is why there are no results of further tags.
	Unfinished *TagRefusal `json:"unfinished,omitempty" doc:"Why the tags behind the results were not reached."`
}

// RescannedTag is a tag that is checked now.
type RescannedTag struct {
	Target image.Target `json:"target"`
	// Refused is why it is not.
	Refused *TagRefusal `json:"refused,omitempty"`
}

// RescanBatch is how many rescans are requested before the workers get time to catch up.
const RescanBatch = 50

func rescan(ctx context.Context, s *System, request RescanRequest) (Rescans, error) {
	answer := Rescans{Results: []RescannedTag{}}
	targets, err := s.targets(ctx, request.Tags)
	if err != nil {
		return answer, err
	}
	requested := 0
	for _, target := range targets {
		refused, err := refusalOf(s.requestRescan(ctx, target))
		if err != nil {
			return answer.endedBy(err)
		}
		answer.Results = append(answer.Results, RescannedTag{target, refused})
		if refused != nil {
			continue
		}
		if requested++; requested%RescanBatch == 0 {
			_ = s.ask(ctx, "wait for the workers", requestTimeout, func(ctx context.Context, c client.Client) error { return c.Room(ctx) })
		}
	}
	return answer, nil
}

// endedBy keeps the results before an error: an answer has them, an error has not.
func (r Rescans) endedBy(err error) (Rescans, error) {
	refused, ok := errors.AsType[*Refusal](err)
	if !ok || len(r.Results) == 0 {
		return r, err
	}
	r.Unfinished = &TagRefusal{Kind: errkind.Name(refused.Kind), Message: refused.Text, Hint: refused.Hint}
	return r, nil
}

// requestRescan checks first that the tag is watched: the request would start a watcher.
func (s *System) requestRescan(ctx context.Context, target image.Target) error {
	if _, err := s.watched(ctx, OfTag(target)); err != nil {
		return err
	}
	return s.ask(ctx, "rescan "+target.String(), signalTimeout, func(ctx context.Context, c client.Client) error {
		return c.WakeTag(ctx, target, watcher.WakeRescan)
	})
}
