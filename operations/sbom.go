package operations

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ShowSBOM shows the SBOM that was stored when the last analyzed image of a tag was
// analyzed.
var ShowSBOM = Operation[TagRequest, SBOM]{Name: "show-sbom", Summary: "Show the SBOM of a tag's last analyzed image, in syft's JSON",
	Method: http.MethodGet, Path: "/tag/sbom", Scope: token.Read, do: showSBOM}

// SBOM is a document of up to 256 MiB, as it is stored. It is an answer by itself, without
// anything around it.
type SBOM struct {
	Digest   image.Digest
	Document json.RawMessage
}

// UnmarshalJSON keeps the document byte by byte.
func (s *SBOM) UnmarshalJSON(document []byte) error {
	s.Document = bytes.Clone(document)
	return nil
}

func showSBOM(ctx context.Context, s *System, request TagRequest) (SBOM, error) {
	known, err := s.analyzed(ctx, request)
	if err != nil {
		return SBOM{}, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return SBOM{}, err
	}
	document, err := kept.SBOM(ctx, known.Analyzed)
	return SBOM{known.Analyzed, bytes.TrimRight(document, "\n")}, refused(err)
}
