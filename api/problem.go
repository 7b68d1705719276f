package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/api/anchore"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/operations"
)

// problemDetails are an error as RFC 9457 has it.
type problemDetails struct {
	huma.ErrorModel
	Kind string `json:"kind,omitempty" doc:"Kind of the error: NotFound, Unauthorized, Forbidden, Invalid, Conflict, Limit or Unavailable."`
	Hint string `json:"hint,omitempty" doc:"What to do about it, for people with the command line."`
}

// mostDetails is how many faults of one request are listed.
const mostDetails = 20

// The library describes and makes errors by this variable. A fault is not shown with the
// value that has it: many of them would be an answer without bounds, and some are secret.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		p := newProblem(status, message)
		for _, err := range errs[:min(len(errs), mostDetails)] {
			p.Add(err)
			p.Errors[len(p.Errors)-1].Value = nil
		}
		return p
	}
}

func newProblem(status int, detail string) *problemDetails {
	p := &problemDetails{ErrorModel: huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}}
	if kind := kinds[status]; kind != nil {
		p.Kind = errkind.Name(kind)
	}
	if status == http.StatusForbidden {
		p.Kind = anchore.Forbidden
	}
	return p
}

// kinds are the kinds of errors by their status.
var kinds = map[int]error{
	http.StatusBadRequest: errkind.Invalid, http.StatusUnauthorized: errkind.Unauthorized, http.StatusNotFound: errkind.NotFound,
	http.StatusConflict: errkind.Conflict, http.StatusUnprocessableEntity: errkind.Invalid, http.StatusRequestEntityTooLarge: errkind.Limit,
	http.StatusTooManyRequests: errkind.Limit, http.StatusServiceUnavailable: errkind.Unavailable,
}

// statuses are the statuses of refusals by their kind.
var statuses = map[string]int{
	errkind.Name(errkind.NotFound): http.StatusNotFound, errkind.Name(errkind.Unauthorized): http.StatusForbidden, errkind.Name(errkind.Invalid): http.StatusUnprocessableEntity,
	errkind.Name(errkind.Conflict): http.StatusConflict, errkind.Name(errkind.Limit): http.StatusUnprocessableEntity, errkind.Name(errkind.Unavailable): http.StatusServiceUnavailable,
}

// problemOf is what a caller sees of an error. Of the errors of the database and of
// Temporal it is not told the texts, which name hosts and files: the log has them.
func (s *server) problemOf(ctx context.Context, operation string, err error) error {
	refused, isRefusal := errors.AsType[*operations.Refusal](err)
	invalid, isInvalid := errors.AsType[*operations.InvalidValue](err)
	switch {
	case isRefusal:
		p := newProblem(statuses[errkind.Name(refused)], refused.Text)
		p.Hint = refused.Hint
		for _, fault := range refused.Faults[:min(len(refused.Faults), mostDetails)] {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: fault.Place, Message: fault.Text})
		}
		if errors.Is(err, operations.ErrChanged) {
			p.Status, p.Title = http.StatusPreconditionFailed, http.StatusText(http.StatusPreconditionFailed)
		}
		if p.Status != http.StatusForbidden {
			p.Kind = errkind.Name(refused)
		}
		if p.Status == http.StatusServiceUnavailable {
			return huma.ErrorWithHeaders(p, retryLater)
		}
		return p
	case isInvalid:
		p := newProblem(http.StatusUnprocessableEntity, invalid.Error())
		p.Errors = []*huma.ErrorDetail{{Location: invalid.Field, Value: invalid.Value, Message: "expected " + invalid.Expected}}
		return p
	}
	s.Log.WarnContext(ctx, "request to the API failed", "operation", operation, "error", err)
	if errors.Is(err, errkind.Unavailable) || ctx.Err() != nil {
		return huma.ErrorWithHeaders(newProblem(http.StatusServiceUnavailable, "the database does not respond, or the request took too long; try again in a moment"), retryAfter)
	}
	return newProblem(http.StatusInternalServerError, "the request failed; the worker's log has the reason")
}

// retryAfter goes with problems that may be gone in a moment, and retryLater with what a
// Temporal or a worker that does not respond makes impossible: clients that wait for a
// moment only shall not wait for these.
var (
	retryAfter = http.Header{"Retry-After": {"5"}}
	retryLater = http.Header{"Retry-After": {"30"}}
)

// speaksAnchore reports that a request is one of Anchore's API.
func speaksAnchore(r *http.Request) bool {
	return r.URL.Path == anchore.Prefix || strings.HasPrefix(r.URL.Path, anchore.Prefix+"/")
}

// explain is problemOf for Anchore's API.
func (s *server) explain(ctx context.Context, operation string, err error) anchore.Fault {
	p, _ := errors.AsType[*problemDetails](s.problemOf(ctx, operation, err))
	return faultOf(p)
}

func faultOf(p *problemDetails) anchore.Fault {
	return anchore.Fault{Status: p.Status, Kind: p.Kind, Text: p.Detail, Hint: p.Hint}
}

// RefuseHost answers a request whose Host header is not admitted.
func RefuseHost(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, http.StatusForbidden, httpserver.WrongHost)
}

// refuse writes a problem outside of an operation.
func refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if speaksAnchore(r) {
		anchore.Refuse(w, faultOf(newProblem(status, detail)))
		return
	}
	write(w, newProblem(status, detail))
}

// refuseAddress writes the problem of an address without an operation. It has no kind, so
// that clients can distinguish it from an operation that does not find something.
func refuseAddress(w http.ResponseWriter) {
	p := newProblem(http.StatusNotFound, "no such address; see /api/openapi.json")
	p.Kind = ""
	write(w, p)
}

func write(w http.ResponseWriter, p *problemDetails) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone
}
