package doctor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/session"
)

// feed looks at the age of the vulnerability data, and at their source.
func (e *examination) feed(ctx context.Context) {
	const subject = "feed"
	if e.Stored == nil {
		return // reported above
	}
	feed, err := e.Stored.Feed(ctx)
	if e.unread(subject, err) {
		return
	}
	e.feedData(feed)
	if feed.Held != nil {
		e.warn(subject, "review it: tagwatch feed status; use it: tagwatch feed release", "new vulnerability data is on hold: %s", strings.Join(feed.Reasons, "; "))
	}
	if feed.Problem != nil {
		e.warn(subject, "check the workers' access to the source (--feed-url, --feed-ca-file, HTTPS_PROXY), or import data: tagwatch feed import",
			"workers have been unable to read the source since %s: %s", e.When(feed.Problem.Since), feed.Problem.Message)
	}
	if feed.Problem == nil && !feed.Checked.IsZero() && !e.IsSet("feed-url") {
		e.ok(subject, "workers read the source %s", e.Ago(feed.Checked))
		return // from here, another one may be set
	}
	e.feedSource(ctx)
}

// feedData judges the dates of the data and its future by itself: no worker may
// have done so lately.
func (e *examination) feedData(feed databuild.Feed) {
	const subject = "feed"
	var current vuln.Description
	if feed.Current == nil {
		e.fail(subject, "fetch data: tagwatch feed sync; offline: tagwatch feed import", "no vulnerability data: images are analyzed but not matched")
	} else {
		current = *feed.Current
	}
	found := vuln.Conditions(current, feed.Status, e.Duration("feed-max-age"), e.Now)
	for _, wrong := range found {
		e.warn(subject, conditionRemedies[wrong.Kind], "%s", wrong.Message)
	}
	if feed.Current != nil && len(found) == 0 {
		e.ok(subject, "data of %s", e.When(feed.Current.Built))
	}
}

const newData = "a new build of the data ends it; see tagwatch feed status, and ask the publisher"

var conditionRemedies = map[condition.Kind]string{
	vuln.BuildOutdated:       "see below why no newer data came; fetch it now: tagwatch feed sync (limit: --feed-max-age)",
	vuln.BuildAhead:          "compare this machine's clock with the publisher's; go back with: tagwatch feed rollback",
	vuln.ProviderOutdated:    newData + " (limit: --feed-max-age)",
	vuln.ProviderAhead:       newData,
	vuln.ProviderUndated:     newData,
	vuln.ScoresOutdated:      newData + " (limit: --feed-max-age)",
	vuln.ScoresAhead:         newData,
	vuln.SourceDeprecated:    "update Tagwatch",
	vuln.SourceEndOfLife:     "update Tagwatch",
	vuln.SourceNotUnderstood: "update Tagwatch, or ask the publisher what it means",
}

// feedSource asks the source from here, which is not where the workers are.
func (e *examination) feedSource(ctx context.Context) {
	const subject = "feed"
	address := strings.TrimSuffix(e.String("feed-url"), "/")
	if !strings.HasSuffix(address, ".json") {
		address += "/v6/latest.json"
	}
	ctx, cancel := context.WithTimeout(ctx, session.QueryTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		e.fail(subject, "use a URL such as https://host/path", "--feed-url (TAGWATCH_FEED_URL) is not a URL")
		return
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		e.warn(subject, "this matters only if the workers cannot reach it either, see above", "the source %s does not respond from here", request.URL.Host)
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		e.warn(subject, "check --feed-url (TAGWATCH_FEED_URL)", "the source %s responds with HTTP %d", request.URL.Host, answer.StatusCode)
		return
	}
	if !looksLikeListing(answer.Body) {
		e.warn(subject, "check --feed-url (TAGWATCH_FEED_URL), and any proxy or login page in between", "the source %s responds with %s instead of a listing",
			request.URL.Host, cmp.Or(answer.Header.Get("Content-Type"), "something without a content type"))
		return
	}
	e.ok(subject, "the source %s responds with a listing", request.URL.Host)
}

// looksLikeListing is what can be said without the matcher's library, which reads
// listings properly in the workers.
func looksLikeListing(body io.Reader) bool {
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(body, most))
	var listing struct{ Path, Checksum string }
	return err == nil && json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &listing) == nil && listing.Path != "" && listing.Checksum != ""
}

// endpoints looks at how deliveries go.
func (e *examination) endpoints(ctx context.Context) {
	const subject = "endpoints"
	if e.Stored == nil {
		return
	}
	endpoints, err := e.Stored.Endpoints(ctx)
	if e.unread(subject, err) {
		return
	}
	if len(endpoints) == 0 {
		e.warn(subject, "add one: tagwatch endpoint add NAME URL", "no endpoint is configured: nobody is notified")
	}
	lost, err := e.Stored.GivenUp(ctx, e.Now.Add(-delivery.GivenUpSpan))
	if e.unread(subject, err) {
		return
	}
	secrets := false
	for _, endpoint := range endpoints {
		e.endpoint(ctx, endpoint, lost[endpoint.Name])
		secrets = secrets || hasSecrets(endpoint)
	}
	if secrets {
		e.ok(subject, "only delivery workers can check their secrets; test with: tagwatch endpoint test NAME")
	}
}

func (e *examination) endpoint(ctx context.Context, endpoint endpoint.Endpoint, lost delivery.GivenUp) {
	const subject = "endpoints"
	backlog, err := e.Stored.Backlog(ctx, endpoint.Name)
	if e.unread(subject, err) {
		return
	}
	waiting := ""
	if backlog.Pending > 0 {
		waiting = fmt.Sprintf("; %d waiting, the oldest for %s", backlog.Pending, wording.Duration(e.Now.Sub(backlog.Oldest)))
	}
	switch state := endpoint.State; state.Health(lost) {
	case delivery.HealthDisabled:
		e.warn(subject, "when the receiver is back: tagwatch endpoint enable "+endpoint.Name, "%s is disabled: %s%s", endpoint.Name, state.Reason, waiting)
	case delivery.HealthFailing:
		e.warn(subject, "check the receiver: tagwatch endpoint test "+endpoint.Name, "%s has been failing since %s: %s%s", endpoint.Name, e.When(state.FailingSince), state.LastAnswer, waiting)
	case delivery.HealthGivingUp:
		e.warn(subject, "once the receiver accepts them, run: tagwatch redeliver --failed --since 99h --endpoint "+endpoint.Name,
			"%s: %s%s", endpoint.Name, e.GivenUp(endpoint.Name, lost), waiting)
	case delivery.HealthUntried:
		e.ok(subject, "%s has not been used yet; test it with: tagwatch endpoint test %s%s", endpoint.Name, endpoint.Name, waiting)
	default:
		e.ok(subject, "%s accepted its last notification%s", endpoint.Name, waiting)
	}
}

// hasSecrets reports whether an endpoint refers to any secret.
func hasSecrets(e endpoint.Endpoint) bool {
	return endpoint.SecretRef(e.URL).IsRef() || e.Password != "" || e.Token != "" || len(e.Signing)+len(e.HeaderRefs) > 0
}
