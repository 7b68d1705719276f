package operations

import (
	"context"
	"net/http"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ShowToken shows the token of the request.
var ShowToken = Operation[ShowTokenRequest, OwnToken]{Name: "show-token", Summary: "Show what the token of the request allows",
	Method: http.MethodGet, Path: "/token", Scope: token.Read, do: showToken}

// ShowTokenRequest asks for the token of the request.
type ShowTokenRequest struct{}

// OwnToken is what the caller is allowed.
type OwnToken struct {
	Name     string          `json:"name"`
	Scope    token.Scope     `json:"scope"`
	Subjects []image.Pattern `json:"subjects" doc:"Patterns of the tags that it is limited to; empty for all."`
}

func showToken(_ context.Context, s *System, _ ShowTokenRequest) (OwnToken, error) {
	return OwnToken{Name: s.Caller, Scope: s.Scope, Subjects: append([]image.Pattern{}, s.Bounds...)}, nil
}
