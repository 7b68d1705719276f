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
	of(operations.ListDeliveries), of(operations.Redeliver), of(operations.ListEndpoints), of(operations.ShowEndpoint),
	of(operations.ListSources), of(operations.ShowSource), of(operations.PlanSource), of(operations.SaveSource), of(operations.ConfirmSource), of(operations.RemoveSource),
	of(operations.ListPolicies), of(operations.ShowPolicy), begun(operations.ActivatePolicy), of(operations.ShowTask), of(operations.ShowFeed), of(operations.ShowService), of(operations.ListRegistries),
	of(operations.ShowToken), of(operations.CreateToken), of(operations.ListTokens), of(operations.RevokeToken), of(operations.ListAudit),
}

// route serves one operation.
type route struct {
	huma.Operation
	register func(*server, huma.API)
}

// body is a request in the body.
type body[Request any] struct {
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
		served := r.Operation
		served.Middlewares = huma.Middlewares{s.allowed(o.Name, o.Admit)}
		huma.Register(api, served, func(ctx context.Context, in *body[Request]) (*started[Answer], error) {
			got, err := o.Run(ctx, s.system(ctx), in.Body)
			if err != nil {
				return nil, s.problemOf(ctx, o.Name, err)
			}
			return &started[Answer]{prefix + got.Location(), got}, nil
		})
	}
	return r
}

func of[Request, Answer any](o operations.Operation[Request, Answer]) route {
	r := route{Operation: huma.Operation{OperationID: o.Name, Method: o.Method, Path: prefix + o.Path, Summary: o.Summary,
		Description: "Needs the scope " + string(o.Scope) + ".", MaxBodyBytes: maxBody + 1, Security: []map[string][]string{{"token": {}}}}}
	if o.Whole {
		r.Description = "Needs the scope " + string(o.Scope) + ", and a token that is not limited to some tags."
	}
	if o.Accepted {
		r.DefaultStatus = http.StatusAccepted
	}
	r.Extensions = map[string]any{scopeExtension: o.Scope, wholeExtension: o.Whole}
	r.register = func(s *server, api huma.API) {
		served := r.Operation
		served.Middlewares = huma.Middlewares{s.allowed(o.Name, o.Admit)}
		run := func(ctx context.Context, request Request) (*answer[Answer], error) {
			got, err := o.Run(ctx, s.system(ctx), request)
			if err != nil {
				return nil, s.problemOf(ctx, o.Name, err)
			}
			return &answer[Answer]{got}, nil
		}
		if o.Method == http.MethodPost {
			huma.Register(api, served, func(ctx context.Context, in *body[Request]) (*answer[Answer], error) { return run(ctx, in.Body) })
			return
		}
		huma.Register(api, served, func(ctx context.Context, in *Request) (*answer[Answer], error) { return run(ctx, *in) })
	}
	return r
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
