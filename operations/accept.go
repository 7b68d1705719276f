package operations

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/workflows"
)

// Accept accepts risks, and has the tags evaluated that this concerns.
var Accept = Operation[AcceptRequest, AcceptanceChange]{Name: "accept-risk", Summary: "Accept the risk of vulnerabilities",
	Method: http.MethodPost, Path: "/acceptances", Scope: token.Act, Accepted: true, do: accept}

// PlanAcceptance shows what Accept would store, and the findings that it is for.
var PlanAcceptance = Operation[AcceptRequest, PlannedAcceptances]{Name: "plan-acceptance", Summary: "Show what accepting risks would cover; nothing is stored",
	Method: http.MethodPost, Path: "/acceptances/plan", Scope: token.Read, do: planAcceptance}

// AcceptRequest accepts vulnerabilities, all for the same tags and packages.
type AcceptRequest struct {
	Vulnerabilities []string `json:"vulnerabilities" minItems:"1" maxItems:"200" doc:"Ids of the vulnerabilities." example:"[\"CVE-2026-1234\"]"`
	Until           string   `json:"until" minLength:"1" maxLength:"40" doc:"When it ends, in the future, or fixed for when there is a fix." example:"2027-01-31T00:00:00Z"`
	Reason          string   `json:"reason" maxLength:"2000" doc:"Why." example:"not reachable"`
	Owner           string   `json:"owner,omitempty" maxLength:"255" doc:"Who is responsible for it."`
	Package         string   `json:"package,omitempty" maxLength:"600" doc:"Only this package: its name, or a package URL with or without versions; all by default."`
	Subject         string   `json:"subject,omitempty" maxLength:"600" doc:"Only tags of this pattern of registry/repository[:tag], with * for any characters; all by default. A token that is limited to some tags needs a pattern within its limits." example:"ghcr.io/web/*"`
}

// AcceptanceChange is what was stored, with the task that evaluates the tags.
type AcceptanceChange struct {
	Acceptances []Acceptance `json:"acceptances"`
	Task        Task         `json:"task"`
}

// Location is that of the task.
func (c AcceptanceChange) Location() string { return c.Task.Location() }

// PlannedAcceptances are those that a request would store.
type PlannedAcceptances struct {
	Acceptances []PlannedAcceptance `json:"acceptances"`
}

// PlannedAcceptance is an acceptance before it is stored.
type PlannedAcceptance struct {
	Acceptance
	// Findings of watched tags are those that it is for, and NotFixed those without a fix.
	Findings int `json:"findings"`
	NotFixed int `json:"findings_without_fix"`
}

func planAcceptance(ctx context.Context, s *System, request AcceptRequest) (PlannedAcceptances, error) {
	plan := PlannedAcceptances{Acceptances: []PlannedAcceptance{}}
	accepted, err := s.requested(ctx, request)
	if err != nil {
		return plan, err
	}
	for _, a := range accepted {
		affected, err := s.affectedBy(ctx, a)
		if err != nil {
			return plan, err
		}
		planned := PlannedAcceptance{Acceptance: s.acceptanceOf(a), Findings: len(affected)}
		for _, t := range affected {
			if !(vuln.Finding{Fix: t.Fix}).HasFix() {
				planned.NotFixed++
			}
		}
		plan.Acceptances = append(plan.Acceptances, planned)
	}
	return plan, nil
}

func accept(ctx context.Context, s *System, request AcceptRequest) (AcceptanceChange, error) {
	accepted, err := s.requested(ctx, request)
	if err != nil {
		return AcceptanceChange{}, err
	}
	return s.changeAcceptances(ctx, func(ctx context.Context) ([]acceptance.Acceptance, error) {
		kept, err := s.Store(ctx)
		if err != nil {
			return nil, err
		}
		return kept.Accept(ctx, accepted)
	})
}

// requested are the acceptances that a request is for, none of which repeats another.
func (s *System) requested(ctx context.Context, request AcceptRequest) (accepted []acceptance.Acceptance, err error) {
	until, err := s.untilOf(request.Until)
	if err != nil {
		return nil, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.acceptances(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range request.Vulnerabilities {
		a := acceptance.Acceptance{Vulnerability: id, Package: request.Package, Subject: request.Subject, Until: until,
			Reason: request.Reason, Owner: request.Owner, By: audit.ActorOf(ctx).Name, Created: s.Now}
		if err := s.checkAcceptance(a, all, accepted); err != nil {
			return nil, err
		}
		if a.Aliases, err = kept.Aliases(ctx, id); err != nil {
			return nil, err
		}
		accepted = append(accepted, a)
	}
	return accepted, nil
}

// checkAcceptance refuses an acceptance that is invalid, outside of the caller's bounds, or
// active already, and what is named twice.
func (s *System) checkAcceptance(a acceptance.Acceptance, stored, requested []acceptance.Acceptance) error {
	if err := a.Validate(); err != nil {
		return refused(err)
	}
	if !s.Bounds.IncludePattern(a.Subject) {
		return &InvalidValue{Field: "subject", Value: a.Subject, Expected: "a pattern within those that the token is limited to"}
	}
	if slices.ContainsFunc(requested, a.Repeats) {
		return &Refusal{Kind: errkind.Invalid, Text: a.Vulnerability + " is named twice"}
	}
	for _, other := range stored {
		if other.State(s.Now) == acceptance.Active && other.Repeats(a) {
			return conflict("", "%s is accepted already, until %s (acceptance %d, for the same packages and tags); give it another end with: tagwatch accept extend %d --until TIME|fixed",
				a.Vulnerability, untilText(other), other.ID, other.ID)
		}
	}
	return nil
}

// untilOf is when an acceptance ends; zero for when there is a fix.
func (s *System) untilOf(text string) (time.Time, error) {
	if text == untilFixed {
		return time.Time{}, nil
	}
	until, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !until.After(s.Now) {
		return time.Time{}, &InvalidValue{Field: "until", Value: text, Expected: "a time to come such as 2027-01-31T12:00:00Z, or fixed"}
	}
	return until.UTC(), nil
}

// changeAcceptances stores a change, unless Temporal could not apply it, and has the tags
// evaluated.
func (s *System) changeAcceptances(ctx context.Context, change func(context.Context) ([]acceptance.Acceptance, error)) (AcceptanceChange, error) {
	changed := AcceptanceChange{Acceptances: []Acceptance{}}
	task, err := s.begin(ctx, "evaluate with the stored acceptances", func(ctx context.Context, c client.Client) (client.Run, error) {
		if _, err := c.Attended(ctx); err != nil {
			return client.Run{}, err
		}
		stored, err := change(ctx)
		if err != nil {
			return client.Run{}, err
		}
		for _, a := range stored {
			changed.Acceptances = append(changed.Acceptances, s.acceptanceOf(a))
		}
		return c.ApplyAcceptances(ctx)
	})
	changed.Task = task
	return changed, err
}

// Reevaluated is the result of an evaluation of tags with the stored acceptances.
type Reevaluated struct {
	Evaluated     int `json:"tags_evaluated"`
	StatusChanged int `json:"tags_changed" doc:"How many of them changed between pass and fail."`
	Left          int `json:"tags_left" doc:"How many tags need more than an evaluation, which their workflows do."`
}

func readReevaluated(await func(any) error) (TaskResult, error) {
	var done workflows.AcceptancesApplied
	err := await(&done)
	return TaskResult{Evaluation: &Reevaluated{done.Evaluated, done.StatusChanged, done.Left}}, err
}
