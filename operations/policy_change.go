package operations

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/token"
)

// SavePolicy adds a bundle, or stores the next version of one. A change of the active bundle,
// or of one that is to be, applies to all tags, by a task; nothing is stored that could not be
// applied.
var SavePolicy = Operation[PolicyChange, SavedPolicy]{Name: "save-policy", Summary: "Add a policy bundle, or store the next version of one",
	Method: http.MethodPost, Path: "/policies", Scope: token.Admin, Whole: true, Creates: true, Large: true, do: savePolicy}

// PolicyChange is the content of a bundle.
type PolicyChange struct {
	Conditional
	Bundle   json.RawMessage `json:"bundle,omitempty" doc:"The bundle, in the format of Anchore Engine or Anchore Enterprise. It replaces the stored one of its id."`
	Text     string          `json:"text,omitempty" maxLength:"8388608" doc:"The bundle as text, in place of bundle, to keep its white space."`
	Note     string          `json:"note,omitempty" maxLength:"1000" doc:"What changed, for people; listed with the version." example:"rule telnet added"`
	Activate bool            `json:"activate,omitempty" doc:"Make it the active bundle."`
}

// SavedPolicy is a bundle that was stored.
type SavedPolicy struct {
	Bundle
	// New reports that there was none of its id.
	New bool `json:"new"`
	// Problems are warnings.
	Problems []policy.Problem `json:"problems" doc:"What is not an error, but probably not meant."`
	// Task evaluates all tags, if the bundle is active or is to be.
	Task *Task `json:"task,omitempty" doc:"Evaluates all tags, if the bundle changed and is active, or is to be."`
}

// Location is that of the task; empty without one.
func (p SavedPolicy) Location() string {
	if p.Task == nil {
		return ""
	}
	return p.Task.Location()
}

func savePolicy(ctx context.Context, s *System, request PolicyChange) (SavedPolicy, error) {
	bundle, problems, err := parseBundle(request.Bundle, request.Text)
	if err != nil {
		return SavedPolicy{}, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return SavedPolicy{}, err
	}
	before, err := kept.Bundle(ctx, bundle.ID)
	if err != nil && !errors.Is(err, errkind.NotFound) {
		return SavedPolicy{}, err
	}
	saved := SavedPolicy{New: before.ID == "", Problems: append([]policy.Problem{}, problems...)}
	save := func(ctx context.Context) error {
		saved.Bundle, err = storeBundle(ctx, kept.Expecting(request.content()), s, bundle, request.Note)
		return err
	}
	if !request.Activate && (!before.Active || before.Hash == bundle.Hash()) {
		return saved, save(ctx)
	}
	task, err := s.begin(ctx, "store and activate bundle "+bundle.ID, func(ctx context.Context, c client.Client) (client.Run, error) {
		if _, err := c.Attended(ctx); err != nil {
			return client.Run{}, err
		}
		if err := save(ctx); err != nil {
			return client.Run{}, err
		}
		return c.ApplyPolicy(ctx, bundle.ID)
	})
	saved.Task = &task
	return saved, err
}

func storeBundle(ctx context.Context, kept *store.Store, s *System, bundle *policy.Bundle, note string) (Bundle, error) {
	document, err := bundle.MarshalJSON()
	if err != nil {
		return Bundle{}, err
	}
	err = kept.SaveBundle(ctx, policy.StoredBundle{ID: bundle.ID, Name: bundle.Name, Hash: bundle.Hash(), Document: document, Note: note}, s.Now)
	if err != nil {
		return Bundle{}, changed("bundle "+bundle.ID, err)
	}
	stored, err := kept.Bundle(ctx, bundle.ID)
	return bundleOf(stored), err
}

// parseBundle reads a bundle that is given in one of two ways; the problems are warnings.
func parseBundle(document json.RawMessage, text string) (*policy.Bundle, []policy.Problem, error) {
	if (len(document) == 0) == (text == "") {
		return nil, nil, &Refusal{Kind: errkind.Invalid, Text: "give the bundle as JSON or as text"}
	}
	if len(document) == 0 {
		document = json.RawMessage(text)
	}
	bundle, problems := policy.Parse(bytes.TrimSpace(document))
	if policy.Valid(problems) {
		return bundle, problems, nil
	}
	invalid := &Refusal{Kind: errkind.Invalid, Text: "the bundle is invalid: " + describe(problems)}
	for _, p := range problems {
		if p.Severity == policy.Error {
			invalid.Faults = append(invalid.Faults, Fault{Place: cmp.Or(p.Path, "bundle"), Text: p.Details})
		}
	}
	return nil, problems, invalid
}

// content is the content that IfMatch names, as hashes.
func (c Conditional) content() store.Expected {
	text := strings.TrimSpace(c.IfMatch)
	if text == "" || text == "*" {
		return store.Expected{Any: text == "*"}
	}
	expected := store.Expected{Hashes: []string{}}
	for tag := range strings.SplitSeq(text, ",") {
		if hash, err := namedIn(strings.TrimSpace(tag)); err == nil {
			expected.Hashes = append(expected.Hashes, hash)
		}
	}
	return expected
}

// DeletePolicy deletes a bundle that is not active.
var DeletePolicy = Operation[PolicyRemoval, DeletedPolicy]{Name: "delete-policy", Summary: "Delete a policy bundle that is not active",
	Method: http.MethodDelete, Path: "/policy", Scope: token.Admin, Whole: true, do: deletePolicy}

// PolicyRemoval names a bundle.
type PolicyRemoval struct {
	Conditional
	ID string `query:"id" required:"true" minLength:"1" maxLength:"255" doc:"Id of the bundle."`
}

// DeletedPolicy is a bundle that is gone.
type DeletedPolicy struct {
	ID string `json:"id"`
}

func deletePolicy(ctx context.Context, s *System, request PolicyRemoval) (DeletedPolicy, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return DeletedPolicy{}, err
	}
	err = kept.Expecting(request.content()).DeleteBundle(ctx, request.ID, s.Now)
	switch {
	case errors.Is(err, ErrChanged):
		err = changed("bundle "+request.ID, err)
	case errors.Is(err, errkind.Conflict):
		err = conflict("", "bundle %s is active; activate another bundle first", request.ID)
	}
	return DeletedPolicy{request.ID}, noBundle(request.ID, err)
}

// ListPolicyVersions lists the contents that a bundle has had.
var ListPolicyVersions = Operation[PolicyVersionsRequest, PolicyVersions]{Name: "list-policy-versions", Summary: "List the versions of a policy bundle, the present one first",
	Method: http.MethodGet, Path: "/policy/versions", Scope: token.Read, Whole: true, do: listPolicyVersions}

// PolicyVersionsRequest asks for a page of the versions of a bundle.
type PolicyVersionsRequest struct {
	ID string `query:"id" maxLength:"255" doc:"Id of the bundle; the active one by default."`
	Page
}

// PolicyVersions is a page of versions.
type PolicyVersions struct {
	ID       string          `json:"id"`
	Versions []PolicyVersion `json:"versions"`
	Next     string          `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// PolicyVersion is a content that a bundle has had. ShowPolicy shows it.
type PolicyVersion struct {
	Version int       `json:"version"`
	Hash    string    `json:"hash"`
	Change  string    `json:"change" doc:"What changed, for people; empty if nobody said."`
	Saved   time.Time `json:"saved"`
}

func listPolicyVersions(ctx context.Context, s *System, request PolicyVersionsRequest) (PolicyVersions, error) {
	none := PolicyVersions{}
	stored, err := s.storedBundle(ctx, request.ID)
	if err != nil {
		return none, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	versions, err := kept.BundleVersions(ctx, stored.ID)
	if err != nil {
		return none, noBundle(stored.ID, err)
	}
	all := []PolicyVersion{}
	for _, v := range versions {
		all = append(all, PolicyVersion{v.Number, v.Hash, v.Note, v.Saved})
	}
	list := PolicyVersions{ID: stored.ID}
	list.Versions, list.Next, err = part(request.Page, all)
	return list, err
}

// storedBundle is the stored bundle of an id; the active one for "".
func (s *System) storedBundle(ctx context.Context, id string) (policy.StoredBundle, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return policy.StoredBundle{}, err
	}
	if id != "" {
		stored, err := kept.Bundle(ctx, id)
		return stored, noBundle(id, err)
	}
	stored, err := kept.ActiveBundle(ctx)
	if errors.Is(err, errkind.NotFound) {
		return stored, notFound("see: tagwatch policy list", "no bundle is active")
	}
	if err != nil {
		return stored, fmt.Errorf("read the active bundle: %w", err)
	}
	return stored, nil
}

// mostDescribed is how many problems of a bundle a sentence names.
const mostDescribed = 5

func describe(problems []policy.Problem) string {
	var texts []string
	for _, p := range problems[:min(len(problems), mostDescribed)] {
		texts = append(texts, p.String())
	}
	if more := len(problems) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}
