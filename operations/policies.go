package operations

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ListPolicies lists the stored policy bundles.
var ListPolicies = Operation[PoliciesRequest, PolicyList]{Name: "list-policies", Summary: "List the stored policy bundles",
	Method: http.MethodGet, Path: "/policies", Scope: token.Read, Whole: true, do: listPolicies}

// PoliciesRequest asks for a page of the bundles.
type PoliciesRequest struct {
	Page
}

// PolicyList is a page of bundles.
type PolicyList struct {
	Bundles []Bundle `json:"bundles"`
	Next    string   `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Bundle is a stored bundle without its content.
type Bundle struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Hash    string    `json:"hash"`
	Active  bool      `json:"active"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// bundleOf leaves out the content.
func bundleOf(b policy.StoredBundle) Bundle {
	return Bundle{b.ID, b.Name, b.Hash, b.Active, b.Created, b.Updated}
}

func listPolicies(ctx context.Context, s *System, request PoliciesRequest) (PolicyList, error) {
	none := PolicyList{}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	bundles, err := kept.Bundles(ctx)
	if err != nil {
		return none, err
	}
	all := []Bundle{}
	for _, b := range bundles {
		all = append(all, bundleOf(b))
	}
	list := PolicyList{}
	list.Bundles, list.Next, err = part(request.Page, all)
	return list, err
}

// ShowPolicy shows the content of a bundle. Its mappings and whitelists name tags of the
// whole installation.
var ShowPolicy = Operation[PolicyRequest, PolicyContent]{Name: "show-policy", Summary: "Show the content of a policy bundle",
	Method: http.MethodGet, Path: "/policy", Scope: token.Read, Whole: true, do: showPolicy}

// PolicyRequest names a bundle, or a version of it.
type PolicyRequest struct {
	ID      string `query:"id" maxLength:"255" doc:"Id of the bundle; the active one by default."`
	Version int    `query:"version" minimum:"0" doc:"Number of an earlier version; the present one by default."`
	AsText  bool   `query:"as_text" doc:"Answer with the text of the bundle as it was added, with its white space."`
}

// PolicyContent is a bundle as it was added.
type PolicyContent struct {
	ID      string `json:"id"`
	Version int    `json:"version,omitempty"`
	Hash    string `json:"hash" doc:"Hash of the content. In quotes, it is a value of If-Match."`
	Active  bool   `json:"active"`
	// Bundle is the content, or Text is.
	Bundle json.RawMessage `json:"bundle,omitempty"`
	Text   string          `json:"text,omitempty"`
}

// EditionTag implements Versioned.
func (c PolicyContent) EditionTag() string { return `"` + c.Hash + `"` }

// with is the answer with the content in the requested form.
func (c PolicyContent) with(document []byte, request PolicyRequest) PolicyContent {
	if request.AsText {
		c.Text = string(document)
		return c
	}
	c.Bundle = document
	return c
}

// showPolicy shows the default bundle until one is activated, as a worker uses it.
func showPolicy(ctx context.Context, s *System, request PolicyRequest) (PolicyContent, error) {
	stored, err := s.storedBundle(ctx, request.ID)
	if errors.Is(err, errkind.NotFound) && request.ID == "" && request.Version == 0 {
		document, err := policy.Default().MarshalJSON()
		return PolicyContent{ID: policy.Default().ID, Hash: policy.Default().Hash()}.with(document, request), err
	}
	if err != nil {
		return PolicyContent{}, err
	}
	if request.Version == 0 {
		return PolicyContent{ID: stored.ID, Hash: stored.Hash, Active: stored.Active}.with(stored.Document, request), nil
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return PolicyContent{}, err
	}
	versions, err := kept.BundleVersions(ctx, stored.ID)
	if err != nil {
		return PolicyContent{}, err
	}
	for _, v := range versions {
		if v.Number == request.Version {
			content, err := kept.BundleContent(ctx, v.Hash)
			return PolicyContent{ID: stored.ID, Version: v.Number, Hash: v.Hash, Active: stored.Active && stored.Hash == v.Hash}.with(content, request), err
		}
	}
	return PolicyContent{}, notFound("see: tagwatch policy history "+stored.ID, "bundle %s has no version %d", stored.ID, request.Version)
}

func noBundle(id string, err error) error {
	if errors.Is(err, errkind.NotFound) {
		return notFound("see: tagwatch policy list", "bundle %s not found", id)
	}
	return err
}
