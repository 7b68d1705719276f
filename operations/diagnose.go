package operations

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// Diagnose checks the installation, and changes nothing: the database, Temporal, the workers
// and what they watch.
var Diagnose = Operation[DiagnosisRequest, Diagnosis]{Name: "diagnose", Summary: "Check the database, Temporal, the workers and what they watch",
	Method: http.MethodPost, Path: "/diagnoses", Scope: token.Read, Whole: true, do: diagnose}

// DiagnosisRequest says what to compare with.
type DiagnosisRequest struct {
	MaxAge  string `json:"feed_max_age,omitempty" maxLength:"20" doc:"Maximum age of vulnerability data, as set for the workers." example:"120h"`
	Renewed *int   `json:"renew_pace,omitempty" minimum:"0" maximum:"1000000" doc:"How many images per hour the workers analyze again, as set for them."`
	Version string `json:"version,omitempty" maxLength:"200" doc:"Version of the program that asks, which is compared with that of the workers."`
}

// The settings of workers by default.
const (
	defaultMaxAge = 5 * 24 * time.Hour
	defaultRenew  = 120
)

// Diagnosis is all that was found.
type Diagnosis struct {
	// Result is the worst of the checks.
	Result CheckResult `json:"result" enum:"ok,warn,fail"`
	Checks []Check     `json:"checks"`
}

// Check is the result of one check.
type Check struct {
	Result  CheckResult `json:"result" enum:"ok,warn,fail"`
	Subject string      `json:"subject"`
	Message string      `json:"message"`
	Remedy  string      `json:"remedy,omitempty" doc:"What to do about it, for people with the command line."`
}

// CheckResult is how a check went.
type CheckResult string

// The results.
const (
	CheckOK   CheckResult = "ok"
	CheckWarn CheckResult = "warn"
	CheckFail CheckResult = "fail"
)

// Conclude is the diagnosis of these checks.
func Conclude(checks []Check) Diagnosis {
	d := Diagnosis{CheckOK, checks}
	for _, c := range checks {
		if c.Result == CheckFail || c.Result == CheckWarn && d.Result == CheckOK {
			d.Result = c.Result
		}
	}
	return d
}

// Checks are the results of checks in order.
type Checks []Check

// OK adds that something is as it should be.
func (c *Checks) OK(subject, format string, arguments ...any) {
	*c = append(*c, Check{CheckOK, subject, fmt.Sprintf(format, arguments...), ""})
}

// Warn adds what may be wrong, with what to do about it.
func (c *Checks) Warn(subject, remedy, format string, arguments ...any) {
	*c = append(*c, Check{CheckWarn, subject, fmt.Sprintf(format, arguments...), remedy})
}

// Fail adds what is wrong, with what to do about it.
func (c *Checks) Fail(subject, remedy, format string, arguments ...any) {
	*c = append(*c, Check{CheckFail, subject, fmt.Sprintf(format, arguments...), remedy})
}

// partTimeout bounds each part of an examination.
const partTimeout = 15 * time.Second

// examination is one run of Diagnose.
type examination struct {
	Checks
	*System
	stored *store.Store   // nil if it does not respond
	linked *client.Client // nil if it does not respond
	maxAge time.Duration
	renew  int
	own    string // version of the program that asks
}

func diagnose(ctx context.Context, s *System, request DiagnosisRequest) (Diagnosis, error) {
	e := &examination{Checks: Checks{}, System: s, maxAge: defaultMaxAge, renew: defaultRenew, own: request.Version}
	if request.Renewed != nil {
		e.renew = *request.Renewed
	}
	if request.MaxAge != "" {
		age, err := time.ParseDuration(request.MaxAge)
		if err != nil || age <= 0 {
			return Diagnosis{}, &InvalidValue{Field: "feed_max_age", Value: request.MaxAge, Expected: "a time such as 120h"}
		}
		e.maxAge = age
	}
	for _, check := range []func(context.Context){e.database, e.temporal, e.workers, e.workflows, e.failing, e.load, e.sources, e.configuration, e.feed, e.renewals, e.registries, e.endpoints} {
		bounded, cancel := context.WithTimeout(ctx, partTimeout)
		check(bounded)
		cancel()
		if ctx.Err() != nil {
			return Diagnosis{}, ctx.Err()
		}
	}
	return Conclude(e.Checks), nil
}

// database opens it. Whoever asks has looked at it already if it is that of this machine.
func (e *examination) database(ctx context.Context) {
	const subject = "database"
	kept, err := e.Store(ctx)
	if err == nil {
		err = kept.Ping(ctx)
	}
	if err != nil {
		e.Fail(subject, "check the database server", "the database does not respond")
		return
	}
	e.stored = kept
	e.OK(subject, "the database responds to the workers' API")
}

// unread reports an error of the database, if there is one.
func (e *examination) unread(subject string, err error) bool {
	if err != nil {
		e.Fail(subject, "check the database", "the database cannot be read: %s", e.textOf(err))
	}
	return err != nil
}

// textOf is an error of the database or of Temporal. Holders of tokens are not shown its
// text, which names hosts.
func (e *examination) textOf(err error) string {
	switch {
	case e.Caller == "":
		return errkind.Text(err)
	case errors.Is(err, context.DeadlineExceeded):
		return "it took too long"
	case errors.Is(err, errkind.Unavailable):
		return "it is unavailable"
	}
	return "the request failed"
}

func (e *examination) ago(t time.Time) string { return wording.Ago(e.Now, t) }

func (e *examination) when(t time.Time) string { return wording.When(e.Now, t) }
