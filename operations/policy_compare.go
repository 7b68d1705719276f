package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// ComparePolicies evaluates watched tags with two bundles, page by page, without notifying
// anybody.
var ComparePolicies = Operation[PolicyComparison, Comparison]{Name: "compare-policies", Summary: "Compare what two policy bundles say about the watched tags",
	Method: http.MethodPost, Path: "/policies/compare", Scope: token.Read, Whole: true, Large: true, do: comparePolicies}

// PolicyComparison names two bundles.
type PolicyComparison struct {
	Old PolicyChoice `json:"old,omitzero" required:"false" doc:"The bundle to compare with; the active one by default."`
	New PolicyChoice `json:"new,omitzero" required:"false" doc:"The bundle that would be used."`
	ComparedPage
}

// PolicyChoice is a bundle: a stored one, or one that is given.
type PolicyChoice struct {
	ID     string          `json:"id,omitempty" maxLength:"255" doc:"Id of a stored bundle; the active one by default."`
	Bundle json.RawMessage `json:"bundle,omitempty" doc:"A bundle, instead of a stored one."`
}

// ComparedPage asks for a part of the watched tags.
type ComparedPage struct {
	All bool `json:"all,omitempty" doc:"Also list tags with the same status but different rows."`
	EvaluatedPage
}

// EvaluatedPage asks for a part of the watched tags, which are evaluated.
type EvaluatedPage struct {
	Limit int    `json:"limit,omitempty" minimum:"0" maximum:"1000" doc:"Maximum number of tags that are evaluated; 100 by default. A page may have fewer although more follow."`
	After string `json:"after,omitempty" maxLength:"600" doc:"Cursor of the page before, from its next field."`
}

// Evaluated is how far an evaluation of all tags is.
type Evaluated struct {
	Evaluated int    `json:"tags_evaluated" doc:"How many tags of this page were evaluated."`
	Skipped   int    `json:"tags_skipped" doc:"How many tags of this page are not analyzed or matched yet."`
	Next      string `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Comparison is a page of the tags about which two evaluations differ.
type Comparison struct {
	Evaluated
	Differ []ComparedTag `json:"differ"`
}

// ComparedTag is a tag about which two evaluations differ.
type ComparedTag struct {
	Target     image.Target      `json:"target"`
	Digest     image.Digest      `json:"digest"`
	Difference policy.Difference `json:"difference"`
}

func comparePolicies(ctx context.Context, s *System, request PolicyComparison) (Comparison, error) {
	before, err := s.bundle(ctx, request.Old)
	if err != nil {
		return Comparison{}, err
	}
	after, err := s.bundle(ctx, request.New)
	if err != nil {
		return Comparison{}, err
	}
	return s.compare(ctx, request.ComparedPage, before, after, func(*policy.Input) {})
}

// CompareAcceptance evaluates tags with the active bundle, as they are and as if risks were
// accepted or an acceptance was revoked, page by page, without notifying anybody.
var CompareAcceptance = Operation[AcceptanceComparison, Comparison]{Name: "compare-acceptance", Summary: "Show what accepting risks, or revoking an acceptance, would change; nothing is stored",
	Method: http.MethodPost, Path: "/acceptances/compare", Scope: token.Read, do: compareAcceptance}

// AcceptanceComparison is a change of acceptances.
type AcceptanceComparison struct {
	Accept *AcceptRequest `json:"accept,omitempty" doc:"The risks to accept."`
	Revoke string         `json:"revoke,omitempty" maxLength:"255" doc:"Id of the acceptance to revoke, or of a vulnerability with one active acceptance, in place of accept."`
	ComparedPage
}

func compareAcceptance(ctx context.Context, s *System, request AcceptanceComparison) (Comparison, error) {
	change, err := s.changeOf(ctx, request)
	if err != nil {
		return Comparison{}, err
	}
	active, err := s.bundle(ctx, PolicyChoice{})
	if err != nil {
		return Comparison{}, err
	}
	return s.compare(ctx, request.ComparedPage, active, active, func(subject *policy.Input) {
		subject.Acceptances = acceptance.For(change(subject.Acceptances), subject.Reference)
	})
}

// changeOf is what a change makes of the acceptances of a tag.
func (s *System) changeOf(ctx context.Context, request AcceptanceComparison) (func([]acceptance.Acceptance) []acceptance.Acceptance, error) {
	switch {
	case (request.Accept == nil) == (request.Revoke == ""):
		return nil, &Refusal{Kind: errkind.Invalid, Text: "give what to accept, or the acceptance to revoke"}
	case request.Accept != nil:
		accepted, err := s.requested(ctx, *request.Accept)
		return func(now []acceptance.Acceptance) []acceptance.Acceptance {
			return append(slices.Clip(now), accepted...)
		}, err
	}
	revoked, err := s.revocable(ctx, request.Revoke)
	return func(now []acceptance.Acceptance) []acceptance.Acceptance {
		return slices.DeleteFunc(slices.Clone(now), func(other acceptance.Acceptance) bool { return other.ID == revoked.ID })
	}, err
}

// compare evaluates the tags of a page with one bundle, and then with another after the
// change of its input.
func (s *System) compare(ctx context.Context, page ComparedPage, before, after *policy.Bundle, change func(*policy.Input)) (Comparison, error) {
	result, rows := Comparison{Differ: []ComparedTag{}}, 0
	var err error
	result.Evaluated, err = s.evaluateAll(ctx, page.EvaluatedPage, []*policy.Bundle{before, after}, func(known watch.Summary, subject *policy.Input) (bool, error) {
		older, err := policy.Evaluate(ctx, before, subject, s.Now)
		if err != nil {
			return false, err
		}
		change(subject)
		newer, err := policy.Evaluate(ctx, after, subject, s.Now)
		if err != nil {
			return false, err
		}
		d := policy.Compare(older, newer)
		if d.StatusChanged() || page.All && !d.Empty() {
			// Programs read lists, also where they are empty.
			d.Appeared, d.Disappeared, d.Changed = append([]policy.Row{}, d.Appeared...), append([]policy.Row{}, d.Disappeared...), append([]policy.RowChange{}, d.Changed...)
			result.Differ = append(result.Differ, ComparedTag{known.Target, known.Analyzed, d})
			rows += len(d.Appeared) + len(d.Disappeared) + 2*len(d.Changed)
		}
		return rows < mostCompared, nil
	})
	return result, err
}

const (
	// mostCompared is how many rows a page of a comparison has, before its last tag.
	mostCompared = 2000
	// evaluationTime is how long the evaluation of a page may take, before its last tag:
	// less than a request may.
	evaluationTime = 15 * time.Second
)

// evaluateAll hands the images of a page of tags that the caller may see, with what the
// bundles read of them, to a function, until it has enough, or it takes too long. It counts
// those that are not known well enough to be evaluated.
func (s *System) evaluateAll(ctx context.Context, page EvaluatedPage, bundles []*policy.Bundle, visit func(watch.Summary, *policy.Input) (more bool, err error)) (done Evaluated, err error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return done, err
	}
	var tags []watch.Summary
	done.Next, err = s.eachTag(ctx, Page(page), "", func(known watch.Summary) bool {
		tags = append(tags, known)
		return true
	})
	if err != nil {
		return done, err
	}
	begun := time.Now()
	for i, known := range tags {
		if known.Analyzed == "" || !known.Matched {
			done.Skipped++
			continue
		}
		subject, err := evaluable(ctx, kept, bundles, known)
		if err != nil {
			return done, err
		}
		more, err := visit(known, subject)
		if err != nil {
			return done, err
		}
		done.Evaluated++
		if i+1 < len(tags) && (!more || time.Since(begun) > evaluationTime) {
			done.Next = cursorOf(known.Target.String())
			return done, nil
		}
	}
	return done, nil
}

// evaluable is the image of a tag, with what the bundles read of it.
func evaluable(ctx context.Context, kept *store.Store, bundles []*policy.Bundle, known watch.Summary) (*policy.Input, error) {
	subject, err := kept.Subject(ctx, known.Target, known.Analyzed)
	if err != nil {
		return nil, fmt.Errorf("read the image of %s: %w", known.Target, err)
	}
	for _, bundle := range bundles {
		if err := kept.AddScores(ctx, bundle, subject); err != nil {
			return nil, err
		}
	}
	return subject, nil
}

// bundle is the bundle that is chosen. The active one is the default one until another is
// activated, as for a worker.
func (s *System) bundle(ctx context.Context, choice PolicyChoice) (*policy.Bundle, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	if len(choice.Bundle) > 0 && choice.ID != "" {
		return nil, &Refusal{Kind: errkind.Invalid, Text: "give either the id of a stored bundle, or a bundle"}
	}
	if len(choice.Bundle) > 0 {
		bundle, _, err := parseBundle(choice.Bundle, "")
		return bundle, err
	}
	content, err := storedBundle(ctx, kept, choice.ID)
	if err != nil {
		return nil, err
	}
	bundle, _ := policy.Parse(content) // its problems were shown when it was added
	return bundle, nil
}
