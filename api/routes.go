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
	read(operations.ListTags), read(operations.NameTag), read(operations.ShowTag), read(operations.FollowTag), read(operations.ShowImage), sbom(), read(operations.ListPackages), read(operations.ListVulnerabilities), change(operations.Evaluate),
	read(operations.ListSubscriptions), change(operations.Subscribe), change(operations.Unsubscribe), change(operations.Rescan),
	read(operations.FindVulnerability), read(operations.FindPackage), read(operations.ListRepositories), readEdition(operations.ShowRepository), begun(operations.PlanRepository), changeIf(operations.SaveRepository), changeIf(operations.UnwatchRepository),
	read(operations.ListNotifications), read(operations.ShowNotification), read(operations.ExplainNotification), read(operations.ExplainSilence), streaming(), atom(),
	read(operations.ListDeliveries), change(operations.Redeliver),
	read(operations.ListEndpoints), readEdition(operations.ShowEndpoint), changeIf(operations.SaveEndpoint), change(operations.ImportEndpoints), changeIf(operations.RotateEndpoint),
	changeIf(operations.DisableEndpoint), changeIf(operations.EnableEndpoint), change(operations.TestEndpoint), read(operations.RemoveEndpoint),
	read(operations.ListSources), readEdition(operations.ShowSource), change(operations.PlanSource), changeIf(operations.SaveSource), change(operations.ConfirmSource), read(operations.RemoveSource),
	read(operations.ListPolicies), readEdition(operations.ShowPolicy), mayBegin(operations.SavePolicy), begun(operations.ActivatePolicy), read(operations.DeletePolicy), read(operations.ListPolicyVersions),
	change(operations.ComparePolicies), change(operations.ReportPolicy), change(operations.ValidatePolicy), begun(operations.Reconcile), read(operations.ShowTask),
	read(operations.ListAcceptances), read(operations.ShowAcceptance), change(operations.PlanAcceptance), change(operations.CompareAcceptance), begun(operations.Accept), begun(operations.ExtendAcceptance), begun(operations.RevokeAcceptance),
	read(operations.ExportDeclaration), change(operations.PlanDeclaration), change(operations.ApplyDeclaration),
	read(operations.ShowFeed), begun(operations.SyncFeed), begun(operations.ImportFeed), begun(operations.ReleaseFeed), begun(operations.RollBackFeed),
	read(operations.ShowService), change(operations.Diagnose), read(operations.ListRegistries), read(operations.ListPolls), change(operations.CheckRegistry),
	read(operations.ShowToken), change(operations.CreateToken), read(operations.ListTokens), read(operations.RevokeToken), read(operations.ListAudit),
}

// route serves one operation.
type route struct {
	huma.Operation
	// creates takes an idempotency key; the answer may have a secret.
	creates, secret bool
	// large takes bodies with a policy bundle.
	large    bool
	register func(*server, huma.API)
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

// mayHaveStarted is an answer, with the address of the task if there is one.
type mayHaveStarted[Answer any] struct {
	Status   int
	Location string `header:"Location" doc:"Address of the task, if there is one."`
	Body     Answer
}

// taggedAnswer is an answer in the body, of which ETag says which settings it has.
type taggedAnswer[Answer any] struct {
	ETag string `header:"ETag" doc:"Names these settings, for If-Match, and this answer, for If-None-Match."`
	Body Answer
}

// What follows makes the routes of the kinds of operations. Each kind has a function of its
// own, because the library's is compiled anew for every pair of types that it is called with.

// read serves an operation whose request is in the address.
func read[Request, Answer any](o operations.Operation[Request, Answer]) route {
	return routeOf(o, takesCondition[Request](), func(api huma.API, described huma.Operation, run runner[Request, Answer]) {
		huma.Register(api, described, func(ctx context.Context, in *Request) (*answer[Answer], error) {
			got, err := run(ctx, *in)
			return &answer[Answer]{got}, err
		})
	})
}

// readEdition serves an operation that shows settings which two people can change at once.
func readEdition[Request any, Answer operations.Versioned](o operations.Operation[Request, Answer]) route {
	return routeOf(o, false, func(api huma.API, described huma.Operation, run runner[Request, Answer]) {
		huma.Register(api, described, func(ctx context.Context, in *Request) (*taggedAnswer[Answer], error) {
			got, err := run(ctx, *in)
			if err != nil {
				return nil, err
			}
			return &taggedAnswer[Answer]{got.EditionTag(), got}, nil
		})
	})
}

// change serves an operation whose request is the body.
func change[Request, Answer any](o operations.Operation[Request, Answer]) route {
	return routeOf(o, false, func(api huma.API, described huma.Operation, run runner[Request, Answer]) {
		huma.Register(api, described, func(ctx context.Context, in *body[Request]) (*answer[Answer], error) {
			got, err := run(ctx, in.Body)
			return &answer[Answer]{got}, err
		})
	})
}

// changeIf serves an operation whose request is the body, and takes a condition.
func changeIf[Request any, Conditional interface {
	*Request
	matching
}, Answer any](o operations.Operation[Request, Answer]) route {
	return routeOf(o, true, func(api huma.API, described huma.Operation, run runner[Request, Answer]) {
		huma.Register(api, described, func(ctx context.Context, in *conditionalBody[Request]) (*answer[Answer], error) {
			Conditional(&in.Body).Match(in.IfMatch)
			got, err := run(ctx, in.Body)
			return &answer[Answer]{got}, err
		})
	})
}

// begun serves an operation that starts a task.
func begun[Request any, Answer interface{ Location() string }](o operations.Operation[Request, Answer]) route {
	return routeOf(o, false, func(api huma.API, described huma.Operation, run runner[Request, Answer]) {
		huma.Register(api, described, func(ctx context.Context, in *body[Request]) (*started[Answer], error) {
			got, err := run(ctx, in.Body)
			if err != nil {
				return nil, err
			}
			return &started[Answer]{prefix + got.Location(), got}, nil
		})
	})
}

// mayBegin serves an operation that takes a condition and starts a task where that is needed:
// the location is empty otherwise.
func mayBegin[Request any, Conditional interface {
	*Request
	matching
}, Answer interface{ Location() string }](o operations.Operation[Request, Answer]) route {
	return routeOf(o, true, func(api huma.API, described huma.Operation, run runner[Request, Answer]) {
		described.Responses = map[string]*huma.Response{}
		huma.Register(api, described, func(ctx context.Context, in *conditionalBody[Request]) (*mayHaveStarted[Answer], error) {
			Conditional(&in.Body).Match(in.IfMatch)
			got, err := run(ctx, in.Body)
			if err != nil || got.Location() == "" {
				return &mayHaveStarted[Answer]{Status: http.StatusOK, Body: got}, err
			}
			return &mayHaveStarted[Answer]{http.StatusAccepted, prefix + got.Location(), got}, nil
		})
		accepted := *described.Responses["200"]
		accepted.Description = http.StatusText(http.StatusAccepted)
		described.Responses["202"] = &accepted
	})
}

// runner carries an operation out; its errors are problems.
type runner[Request, Answer any] func(context.Context, Request) (Answer, error)

func routeOf[Request, Answer any](o operations.Operation[Request, Answer], condition bool, register func(huma.API, huma.Operation, runner[Request, Answer])) route {
	r := route{creates: o.Creates, secret: o.Secret, large: o.Large, Operation: describe(o)}
	r.register = func(s *server, api huma.API) {
		described := r.Operation
		described.Middlewares = huma.Middlewares{s.allowed(o.Name, o.Admit)}
		if o.Method != http.MethodGet {
			described.Middlewares = append(described.Middlewares, refuseKey(api, o.Creates))
		}
		if !condition && o.Method != http.MethodGet {
			described.Middlewares = append(described.Middlewares, refuseCondition(api))
		}
		register(api, described, func(ctx context.Context, request Request) (Answer, error) {
			got, err := o.Run(ctx, s.system(ctx), request)
			if err != nil {
				err = s.problemOf(ctx, o.Name, err)
			}
			return got, err
		})
	}
	return r
}

// describe describes an operation without its request and answer.
func describe[Request, Answer any](o operations.Operation[Request, Answer]) huma.Operation {
	described := huma.Operation{OperationID: o.Name, Method: o.Method, Path: prefix + o.Path, Summary: o.Summary, Tags: []string{groupOf(o.Path)},
		Description: "Needs the scope " + string(o.Scope) + ".", MaxBodyBytes: mostBody(o.Large) + 1, Security: []map[string][]string{{"token": {}}},
		Extensions: map[string]any{scopeExtension: o.Scope, wholeExtension: o.Whole}}
	if o.Whole {
		described.Description = "Needs the scope " + string(o.Scope) + ", and a token that is not limited to some tags."
	}
	if o.Accepted {
		described.DefaultStatus = http.StatusAccepted
	}
	if o.Creates {
		described.Parameters = append(described.Parameters, keyParameter)
	}
	return described
}

// takesCondition reports that a request has a condition.
func takesCondition[Request any]() bool {
	_, takes := any(new(Request)).(matching)
	return takes
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
