package operations

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// endpoints looks at how deliveries go.
func (e *examination) endpoints(ctx context.Context) {
	const subject = "endpoints"
	if e.stored == nil {
		return
	}
	endpoints, err := e.stored.Endpoints(ctx)
	if e.unread(subject, err) {
		return
	}
	if len(endpoints) == 0 {
		e.Warn(subject, "add one: tagwatch endpoint add NAME URL", "no endpoint is configured: nobody is notified")
	}
	lost, err := e.stored.GivenUp(ctx, e.Now.Add(-delivery.GivenUpSpan))
	if e.unread(subject, err) {
		return
	}
	secrets := false
	for _, endpoint := range endpoints {
		e.endpoint(ctx, endpoint, lost[endpoint.Name])
		secrets = secrets || hasSecrets(endpoint)
	}
	if secrets {
		e.OK(subject, "only delivery workers can check their secrets; test with: tagwatch endpoint test NAME")
	}
}

func (e *examination) endpoint(ctx context.Context, endpoint endpoint.Endpoint, lost delivery.GivenUp) {
	const subject = "endpoints"
	backlog, err := e.stored.Backlog(ctx, endpoint.Name)
	if e.unread(subject, err) {
		return
	}
	waiting := ""
	if backlog.Pending > 0 {
		waiting = fmt.Sprintf("; %d waiting, the oldest for %s", backlog.Pending, wording.Duration(e.Now.Sub(backlog.Oldest)))
	}
	switch state := endpoint.State; state.Health(lost) {
	case delivery.HealthDisabled:
		e.Warn(subject, "when the receiver is back: tagwatch endpoint enable "+endpoint.Name, "%s is disabled: %s%s", endpoint.Name, state.Reason, waiting)
	case delivery.HealthFailing:
		e.Warn(subject, "check the receiver: tagwatch endpoint test "+endpoint.Name, "%s has been failing since %s: %s%s", endpoint.Name, e.when(state.FailingSince), state.LastAnswer, waiting)
	case delivery.HealthGivingUp:
		e.Warn(subject, "once the receiver accepts them, run: tagwatch redeliver --failed --since 99h --endpoint "+endpoint.Name,
			"%s: %s%s", endpoint.Name, GivenUp(e.Now, endpoint.Name, lost), waiting)
	case delivery.HealthUntried:
		e.OK(subject, "%s has not been used yet; test it with: tagwatch endpoint test %s%s", endpoint.Name, endpoint.Name, waiting)
	default:
		e.OK(subject, "%s accepted its last notification%s", endpoint.Name, waiting)
	}
}

// hasSecrets reports whether an endpoint refers to any secret.
func hasSecrets(e endpoint.Endpoint) bool {
	return endpoint.SecretRef(e.URL).IsRef() || e.Password != "" || e.Token != "" || len(e.Signing)+len(e.HeaderRefs) > 0
}

// GivenUp describes the deliveries to an endpoint that failed within the last day.
func GivenUp(now time.Time, name string, lost delivery.GivenUp) string {
	return fmt.Sprintf("%s failed within %s, the last %s: %s; see: tagwatch deliveries --failed --endpoint %s",
		wording.Count(lost.Count, "notification"), wording.Duration(delivery.GivenUpSpan), wording.Ago(now, lost.Last), lost.Answer, name)
}
