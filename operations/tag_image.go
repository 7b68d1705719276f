package operations

import (
	"context"
	"net/http"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// ShowImage shows which image of a tag was analyzed last.
var ShowImage = Operation[ImageRequest, TagImage]{Name: "show-image", Summary: "Show the last analyzed image of a tag",
	Method: http.MethodGet, Path: "/tag/image", Scope: token.Read, do: showImage}

// ImageRequest names a tag.
type ImageRequest struct {
	TagRequest
	Matched bool `query:"matched" doc:"Only if its vulnerabilities are known."`
}

// TagImage is the last analyzed image of a tag.
type TagImage struct {
	Target   image.Target  `json:"target"`
	Digest   image.Digest  `json:"digest"`
	Matched  bool          `json:"matched"`
	Coverage vuln.Coverage `json:"coverage"`
	// Current is set if the tag points to another image, which is not analyzed.
	Current *NotAnalyzed `json:"current,omitempty"`
}

// NotAnalyzed is the image that a tag points to, and why it is not analyzed.
type NotAnalyzed struct {
	Digest image.Digest `json:"digest"`
	Reason string       `json:"reason"`
}

func showImage(ctx context.Context, s *System, request ImageRequest) (TagImage, error) {
	find := s.analyzed
	if request.Matched {
		find = s.matched
	}
	known, err := find(ctx, request.TagRequest)
	if err != nil {
		return TagImage{}, err
	}
	return TagImage{Target: known.Target, Digest: known.Analyzed, Matched: known.Matched, Coverage: known.Coverage, Current: notAnalyzed(known)}, nil
}

// analyzed is the state of a tag of which an image was analyzed.
func (s *System) analyzed(ctx context.Context, request TagRequest) (watch.Summary, error) {
	known, err := s.watched(ctx, request)
	switch {
	case err != nil || known.Analyzed != "":
		return known, err
	case known.Problem != nil:
		return known, &Refusal{Kind: errkind.Conflict, Text: known.Target.String() + " is not analyzed: " + known.Problem.Message}
	}
	return known, &Refusal{Kind: errkind.Conflict, Text: known.Target.String() + " is not analyzed yet", Hint: "see: tagwatch status " + known.Target.String()}
}

// matched is the state of a tag of which the vulnerabilities are known.
func (s *System) matched(ctx context.Context, request TagRequest) (watch.Summary, error) {
	known, err := s.analyzed(ctx, request)
	if err == nil && !known.Matched {
		err = &Refusal{Kind: errkind.Conflict, Text: known.Target.String() + " is not matched against vulnerability data yet", Hint: "see: tagwatch feed status"}
	}
	return known, err
}

func notAnalyzed(known watch.Summary) *NotAnalyzed {
	if known.Analyzed == known.Resolved.Manifest {
		return nil
	}
	reason := "is not analyzed yet"
	if failed := watch.FailedImage(known.Problem, known.Resolved.Manifest); failed != nil {
		reason = "could not be analyzed: " + failed.Reason
	}
	return &NotAnalyzed{known.Resolved.Manifest, reason}
}
