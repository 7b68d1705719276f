// Package anchore serves the operations as version 1 of Anchore Engine's API, for the
// clients that speak it. It translates requests and answers: what an operation checks is
// not checked here, and what Tagwatch does not have is refused, with what to use instead.
package anchore

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/operations"
)

// Prefix begins all addresses of the API.
const Prefix = "/v1"

// Options are what the API is made from.
type Options struct {
	// System is what the operations work on for the caller of a request.
	System func(context.Context) *operations.System
	// Explain says what a caller sees of an error.
	Explain func(ctx context.Context, doing string, err error) Fault
	// Version is that of the program.
	Version string
}

// Fault is what a caller sees of an error.
type Fault struct {
	Status int
	// Kind is the name of one of package errkind; may be empty.
	Kind string
	Text string
	// Hint says what to do about it; may be empty.
	Hint string
}

// Refuse answers with a fault.
func Refuse(w http.ResponseWriter, f Fault) {
	detail := map[string]any{"error_codes": []string{}}
	if f.Kind != "" {
		detail["error_codes"] = []string{f.Kind}
	}
	if f.Hint != "" {
		detail["hint"] = f.Hint
	}
	write(w, f.Status, map[string]any{"message": f.Text, "httpcode": f.Status, "detail": detail})
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client has gone
}

// Forbidden is the kind of the error that a token's scope or limits do not include a
// request. The kinds of package errkind do not tell it from a missing token.
const Forbidden = "Forbidden"

// service answers requests.
type service struct {
	Options
	mux *http.ServeMux
}

// New makes the API. The handler answers everything at and below Prefix.
func New(options Options) http.Handler {
	mux := http.NewServeMux()
	s := service{options, mux}
	for pattern, answer := range s.routes() {
		mux.Handle(pattern, s.handler(answer))
	}
	for pattern, instead := range unsupported {
		mux.Handle(pattern, s.handler(func(*call) (any, error) { return nil, &instead }))
	}
	return mux
}

// routes are the requests that are answered, below Prefix.
func (s service) routes() map[string]func(*call) (any, error) {
	return map[string]func(*call) (any, error){
		"GET /v1":     func(*call) (any, error) { return "v1", nil },
		"GET /v1/{$}": func(*call) (any, error) { return "v1", nil },
		"/v1/":        s.unknown,

		"GET /v1/status":             s.serverStatus,
		"GET /v1/system":             s.system,
		"GET /v1/system/feeds":       feeds,
		"GET /v1/system/error_codes": errorCodes,
		"GET /v1/system/policy_spec": policySpec,

		"POST /v1/system/feeds":                guarded(operations.SyncFeed.Admit, syncFeeds),
		"POST /v1/system/webhooks/{type}/test": guarded(operations.TestEndpoint.Admit, testWebhook),

		"GET /v1/images":                          listImages,
		"GET /v1/images/{digest}":                 imageByDigest,
		"GET /v1/summaries/imagetags":             summaries,
		"GET /v1/images/{digest}/{part}":          imagePart,
		"GET /v1/images/{digest}/vuln/{type}":     vulnerabilities,
		"GET /v1/images/{digest}/content/{type}":  content,
		"GET /v1/images/{digest}/metadata/{type}": metadata,
		"GET /v1/subscriptions":                   listSubscriptions,
		"GET /v1/subscriptions/{id}":              getSubscription,
		"GET /v1/policies":                        listPolicies,
		"GET /v1/policies/{id}":                   getPolicy,
		"POST /v1/policies":                       guarded(operations.SavePolicy.Admit, addPolicy),
		"PUT /v1/policies/{id}":                   guarded(operations.SavePolicy.Admit, putPolicy),
		"DELETE /v1/policies/{id}":                guarded(operations.DeletePolicy.Admit, deletePolicy),
		"POST /v1/repositories":                   guarded(operations.SaveRepository.Admit, addRepository),
		"POST /v1/images":                         changing(addImage),
		"DELETE /v1/images":                       changing(deleteImages),
		"DELETE /v1/images/{digest}":              changing(deleteImageByDigest),
		"PUT /v1/subscriptions/{id}":              changing(putSubscription),
		"DELETE /v1/subscriptions/{id}":           changing(deleteSubscription),
		"GET /v1/registries":                      listRegistries,
		"GET /v1/registries/{name...}":            getRegistry,
		"GET /v1/events":                          listEvents,
		"GET /v1/events/{id}":                     getEvent,
		"GET /v1/query/images/by_vulnerability":   imagesByVulnerability,
		"GET /v1/query/images/by_package":         imagesByPackage,
	}
}

// changing refuses a token that may not change tags.
func changing(answer func(*call) (any, error)) func(*call) (any, error) {
	return guarded(operations.Subscribe.Admit, answer)
}

// guarded refuses a token that may not use an operation before anything is found out: what
// would become of the request is not told to it.
func guarded(admit func(*operations.System) error, answer func(*call) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if err := admit(c.system); err != nil {
			return nil, err
		}
		return answer(c)
	}
}

// unknown refuses a request of an address or a method that there is not.
func (s service) unknown(c *call) (any, error) {
	if allowed := httpserver.Methods(s.mux, c.r); allowed != nil {
		return nil, &Fault{Status: http.StatusMethodNotAllowed, Text: c.r.URL.Path + " does not take " + c.r.Method + ", only " + strings.Join(allowed, ", ")}
	}
	return nil, noAddress(c)
}

// unsupported are the requests of Anchore's clients that Tagwatch has something else for.
var unsupported = map[string]Fault{
	"POST /v1/subscriptions":                   instead("add the tag with POST /v1/images, then activate a type with PUT /v1/subscriptions/{id}"),
	"GET /v1/repositories":                     instead("list the watched repositories with: GET /v1/subscriptions?subscription_type=repo_update"),
	"/v1/system/feeds/{feed}":                  instead("vulnerability data is taken as a whole; see: tagwatch feed status"),
	"/v1/system/feeds/{feed}/{group}":          instead("vulnerability data is taken as a whole; see: tagwatch feed status"),
	"/v1/system/services":                      instead("see which parts are running with: GET /v1/system, or tagwatch doctor"),
	"/v1/system/services/":                     instead("see which parts are running with: GET /v1/system, or tagwatch doctor"),
	"GET /v1/images/{digest}/artifacts/{kind}": instead("get files and packages of an image with: tagwatch sbom"),
	"GET /v1/images/{digest}/sboms/{kind}":     instead("get the SBOM of an image with: tagwatch sbom"),
	"/v1/import/":                              instead("images are analyzed from their registry only; push the image and add its tag"),
	"/v1/imports/":                             instead("images are analyzed from their registry only; push the image and add its tag"),
	"POST /v1/registries":                      instead("credentials are not stored; name them in the workers' registry configuration, as docs/registries.md describes"),
	"PUT /v1/registries/{name...}":             instead("credentials are not stored; name them in the workers' registry configuration, as docs/registries.md describes"),
	"DELETE /v1/registries/{name...}":          instead("credentials are not stored; name them in the workers' registry configuration, as docs/registries.md describes"),
	"DELETE /v1/events":                        instead("notifications are deleted when they are older than the workers' --retention"),
	"DELETE /v1/events/{id}":                   instead("notifications are deleted when they are older than the workers' --retention"),
	"GET /v1/event_types":                      instead("docs/webhooks.md lists the types of notifications"),
	"GET /v1/query/vulnerabilities":            instead("list the affected tags with: tagwatch affected, or look the vulnerability up at its publisher"),
	"/v1/accounts":                             instead("there is one account; create a token for each program with: tagwatch token create"),
	"/v1/accounts/":                            instead("there is one account; create a token for each program with: tagwatch token create"),
	"/v1/account":                              instead("there is one account; create a token for each program with: tagwatch token create"),
	"/v1/user":                                 instead("there is one account; create a token for each program with: tagwatch token create"),
	"/v1/user/":                                instead("there is one account; create a token for each program with: tagwatch token create"),
	"/v1/oauth/":                               instead("send a token of tagwatch token create as the password of basic authentication"),
	"/v1/archives":                             instead("analyses of images that no watched tag points to are deleted after the workers' --retention"),
	"/v1/archives/":                            instead("analyses of images that no watched tag points to are deleted after the workers' --retention"),
}

func instead(text string) Fault {
	return Fault{Status: http.StatusNotImplemented, Text: "Tagwatch does not support this: " + text}
}

// Error makes a fault an error.
func (f *Fault) Error() string { return f.Text }

func notFound(text string) *Fault {
	return &Fault{Status: http.StatusNotFound, Kind: "NotFound", Text: text}
}

func noAddress(c *call) *Fault {
	return notFound("no such address: " + c.r.Method + " " + c.r.URL.Path)
}

func invalid(text string) *Fault {
	return &Fault{Status: http.StatusBadRequest, Kind: "Invalid", Text: text}
}

// call is one request.
type call struct {
	context.Context
	r      *http.Request
	system *operations.System
}

func (s service) handler(answer func(*call) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{r.Context(), r, s.System(r.Context())}
		other := r.Header.Get("x-anchore-account")
		if other != "" && other != c.system.Account {
			f := instead("there is one account, " + c.system.Account)
			Refuse(w, f)
			return
		}
		got, err := answer(c)
		if err != nil {
			f := s.fault(c, err)
			if f.Status == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", "5")
			}
			Refuse(w, f)
			return
		}
		write(w, http.StatusOK, got)
	})
}

func (s service) fault(c *call, err error) Fault {
	if own, ok := err.(*Fault); ok {
		return *own
	}
	f := s.Explain(c, c.r.Method+" "+c.r.Pattern, err)
	if f.Status == http.StatusUnprocessableEntity {
		f.Status = http.StatusBadRequest // which Anchore's clients know
	}
	return f
}

// flag is a parameter that is true or false; a missing or other value is otherwise.
func (c *call) flag(name string, otherwise bool) bool {
	value, err := strconv.ParseBool(c.r.URL.Query().Get(name))
	if err != nil {
		return otherwise
	}
	return value
}

func (c *call) parameter(name string) string { return c.r.URL.Query().Get(name) }

// number is a parameter from 1 to most.
func (c *call) number(name string, otherwise, most int) (int, error) {
	text := c.parameter(name)
	if text == "" {
		return otherwise, nil
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 || value > most {
		return 0, invalid("invalid value " + strconv.Quote(text) + " for " + name + ": expected 1 to " + strconv.Itoa(most))
	}
	return value, nil
}

// date is a time as Anchore writes it; nil for one that is not known.
func date(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// known is a text that may not be known.
func known(text string) any {
	if text == "" {
		return nil
	}
	return text
}
