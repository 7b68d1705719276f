package operations

import (
	"context"
	"errors"
	"net/http"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// ExtendAcceptance gives an acceptance another end. One that ended is active again.
var ExtendAcceptance = Operation[ExtendRequest, AcceptanceChange]{Name: "extend-acceptance", Summary: "Give an accepted risk another end",
	Method: http.MethodPost, Path: "/acceptances/extend", Scope: token.Act, Accepted: true, do: extendAcceptance}

// ExtendRequest names an acceptance and its new end.
type ExtendRequest struct {
	ID    string `json:"id" minLength:"1" maxLength:"255" doc:"Id of the acceptance, or of a vulnerability with one active acceptance." example:"3"`
	Until string `json:"until" minLength:"1" maxLength:"40" doc:"When it ends, in the future, or fixed for when there is a fix." example:"fixed"`
}

func extendAcceptance(ctx context.Context, s *System, request ExtendRequest) (AcceptanceChange, error) {
	until, err := s.untilOf(request.Until)
	if err != nil {
		return AcceptanceChange{}, err
	}
	return s.changeAcceptance(ctx, request.ID, func(ctx context.Context, kept *store.Store, id int64) (acceptance.Acceptance, error) {
		return kept.ExtendAcceptance(ctx, id, until, audit.ActorOf(ctx).Name, s.Now)
	})
}

// RevokeAcceptance ends an acceptance at once.
var RevokeAcceptance = Operation[RevokeAcceptanceRequest, AcceptanceChange]{Name: "revoke-acceptance", Summary: "End an accepted risk now",
	Method: http.MethodPost, Path: "/acceptances/revoke", Scope: token.Act, Accepted: true, do: revokeAcceptance}

// RevokeAcceptanceRequest names an acceptance.
type RevokeAcceptanceRequest struct {
	ID string `json:"id" minLength:"1" maxLength:"255" doc:"Id of the acceptance, or of a vulnerability with one active acceptance." example:"3"`
}

func revokeAcceptance(ctx context.Context, s *System, request RevokeAcceptanceRequest) (AcceptanceChange, error) {
	return s.changeAcceptance(ctx, request.ID, func(ctx context.Context, kept *store.Store, id int64) (acceptance.Acceptance, error) {
		return kept.RevokeAcceptance(ctx, id, audit.ActorOf(ctx).Name, s.Now)
	})
}

// revocable is the acceptance of an id; a revoked one is refused.
func (s *System) revocable(ctx context.Context, id string) (acceptance.Acceptance, error) {
	a, err := s.acceptance(ctx, id)
	if err == nil && a.State(s.Now) == acceptance.Revoked {
		err = conflict("", "acceptance %d (%s) was revoked already, %s by %s", a.ID, a.Vulnerability, wording.Ago(s.Now, a.Revoked), a.RevokedBy)
	}
	return a, err
}

func (s *System) changeAcceptance(ctx context.Context, id string, change func(context.Context, *store.Store, int64) (acceptance.Acceptance, error)) (AcceptanceChange, error) {
	a, err := s.revocable(ctx, id)
	if err != nil {
		return AcceptanceChange{}, err
	}
	return s.changeAcceptances(ctx, func(ctx context.Context) ([]acceptance.Acceptance, error) {
		kept, err := s.Store(ctx)
		if err != nil {
			return nil, err
		}
		changed, err := change(ctx, kept, a.ID)
		if errors.Is(err, errkind.Conflict) {
			err = conflict("", "acceptance %d (%s) was revoked meanwhile", a.ID, a.Vulnerability)
		}
		return []acceptance.Acceptance{changed}, err
	})
}
