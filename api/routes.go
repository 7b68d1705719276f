package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tagwatch/tagwatch/operations"
)

// prefix begins the paths of all operations.
const prefix = "/api/v1"

// routes are the operations that are served. A test compares them with those that there
// are.
var routes = []route{
	of(operations.ListTags), of(operations.NameTag), of(operations.ShowTag), of(operations.FollowTag), of(operations.ShowImage), of(operations.ListPackages), of(operations.ListVulnerabilities), of(operations.Evaluate),
	of(operations.ListSubscriptions), of(operations.Subscribe), of(operations.Unsubscribe), of(operations.Rescan),
	of(operations.FindVulnerability), of(operations.FindPackage), of(operations.ListRepositories),
	of(operations.ListNotifications), of(operations.ShowNotification), of(operations.ExplainNotification), of(operations.ExplainSilence), streaming(), atom(),
	of(operations.ListDeliveries), of(operations.Redeliver),
	of(operations.ListEndpoints), of(operations.ShowEndpoint), of(operations.SaveEndpoint), of(operations.ImportEndpoints), of(operations.RotateEndpoint),
	of(operations.DisableEndpoint), of(operations.EnableEndpoint), of(operations.TestEndpoint), of(operations.RemoveEndpoint),
	of(operations.ListSources), of(operations.ShowSource), of(operations.PlanSource), of(operations.SaveSource), of(operations.ConfirmSource), of(operations.RemoveSource),
	of(operations.ListPolicies), of(operations.ShowPolicy), begun(operations.ActivatePolicy), begun(operations.Reconcile), of(operations.ShowTask),
	of(operations.ListAcceptances), of(operations.ShowAcceptance), of(operations.PlanAcceptance), begun(operations.Accept), begun(operations.ExtendAcceptance), begun(operations.RevokeAcceptance),
	of(operations.ShowFeed), begun(operations.SyncFeed), begun(operations.ImportFeed), begun(operations.ReleaseFeed), begun(operations.RollBackFeed),
	of(operations.ShowService), of(operations.ListRegistries),
	of(operations.ShowToken), of(operations.CreateToken), of(operations.ListTokens), of(operations.RevokeToken), of(operations.ListAudit),
}

// route serves one operation.
type route struct {
	huma.Operation
	// creates takes an idempotency key; the answer may have a secret.
	creates, secret bool
	register        func(*server, huma.API)
}

// body is a request in the body.
type body[Request any] struct {
	Body Request
}

// matching is a request that takes a condition.
type matching interface{ Match(tags string) }

// conditionalBody is a request in the body, with a condition.
type conditionalBody[Request any] struct {
	operations.Conditional
	Body Request
}

// answer is an answer in the body.
type answer[Answer any] struct {
	Body Answer
}

// started is an answer while the work goes on, with the address of the task.
type started[Answer any] struct {
	Location string `header:"Location" doc:"Address of the task."`
	Body     Answer
}

// begun serves an operation that starts a task.
func begun[Request any, Answer interface{ Location() string }](o operations.Operation[Request, Answer]) route {
	r := of(o)
	r.register = func(s *server, api huma.API) {
		described := r.Operation
		described.Middlewares = huma.Middlewares{s.allowed(o.Name, o.Admit), refuseCondition(api)}
		huma.Register(api, described, func(ctx context.Context, in *body[Request]) (*started[Answer], error) {
			got, err := o.Run(ctx, s.system(ctx), in.Body)
			if err != nil {
				return nil, s.problemOf(ctx, o.Name, err)
			}
			return &started[Answer]{prefix + got.Location(), got}, nil
		})
	}
	return r
}

// taggedAnswer is an answer in the body, of which ETag says which settings it has.
type taggedAnswer[Answer any] struct {
	ETag string `header:"ETag" doc:"Names these settings, for If-Match, and this answer, for If-None-Match."`
	Body Answer
}

func of[Request, Answer any](o operations.Operation[Request, Answer]) route {
	r := route{creates: o.Creates, secret: o.Secret, Operation: huma.Operation{OperationID: o.Name, Method: o.Method, Path: prefix + o.Path, Summary: o.Summary,
		Description: "Needs the scope " + string(o.Scope) + ".", MaxBodyBytes: maxBody + 1, Security: []map[string][]string{{"token": {}}}}}
	if o.Whole {
		r.Description = "Needs the scope " + string(o.Scope) + ", and a token that is not limited to some tags."
	}
	if o.Accepted {
		r.DefaultStatus = http.StatusAccepted
	}
	if o.Creates {
		r.Parameters = append(r.Parameters, keyParameter)
	}
	r.Extensions = map[string]any{scopeExtension: o.Scope, wholeExtension: o.Whole}
	r.register = func(s *server, api huma.API) {
		served := r.Operation
		served.Middlewares = huma.Middlewares{s.allowed(o.Name, o.Admit)}
		register(s, api, served, o)
	}
	return r
}

// register has an operation served, by what its request and its answer are.
func register[Request, Answer any](s *server, api huma.API, described huma.Operation, o operations.Operation[Request, Answer]) {
	var none Answer
	if _, versioned := any(none).(operations.Versioned); versioned && o.Method == http.MethodGet {
		serve(s, api, described, o, func(got Answer) *taggedAnswer[Answer] {
			return &taggedAnswer[Answer]{ETag: any(got).(operations.Versioned).EditionTag(), Body: got}
		})
		return
	}
	serve(s, api, described, o, func(got Answer) *answer[Answer] { return &answer[Answer]{got} })
}

func serve[Request, Answer, Output any](s *server, api huma.API, described huma.Operation, o operations.Operation[Request, Answer], output func(Answer) *Output) {
	run := func(ctx context.Context, request Request) (*Output, error) {
		got, err := o.Run(ctx, s.system(ctx), request)
		if err != nil {
			return nil, s.problemOf(ctx, o.Name, err)
		}
		return output(got), nil
	}
	_, conditional := any(new(Request)).(matching)
	if !conditional && o.Method != http.MethodGet {
		described.Middlewares = append(described.Middlewares, refuseCondition(api))
	}
	switch {
	case o.Method == http.MethodPost && conditional:
		huma.Register(api, described, func(ctx context.Context, in *conditionalBody[Request]) (*Output, error) {
			any(&in.Body).(matching).Match(in.IfMatch)
			return run(ctx, in.Body)
		})
	case o.Method == http.MethodPost:
		huma.Register(api, described, func(ctx context.Context, in *body[Request]) (*Output, error) { return run(ctx, in.Body) })
	default:
		huma.Register(api, described, func(ctx context.Context, in *Request) (*Output, error) { return run(ctx, *in) })
	}
}

// refuseCondition refuses a condition that would not be checked.
func refuseCondition(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if ctx.Header("If-Match") != "" {
			_ = huma.WriteErr(api, ctx, http.StatusBadRequest, "this does not take If-Match") // the client has gone
			return
		}
		next(ctx)
	}
}

// Extensions of the document: the scope that an operation needs, and whether it is about
// the whole installation.
const scopeExtension, wholeExtension = "x-tagwatch-scope", "x-tagwatch-whole"

// allowed refuses who may not use an operation, before anything of the request is read:
// what is wrong with the request is for those who may.
func (s *server) allowed(name string, admit func(*operations.System) error) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		err := admit(s.system(ctx.Context()))
		if err == nil {
			next(ctx)
			return
		}
		p, _ := errors.AsType[*problemDetails](s.problemOf(ctx.Context(), name, err))
		r, w := humago.Unwrap(ctx)
		refuse(w, r, p.Status, p.Detail)
	}
}
