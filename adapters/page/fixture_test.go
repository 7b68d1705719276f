package page_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/page"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/overload"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	apitoken "github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// hostile is what a text tries that wants to be more than a text.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}' onmouseover='alert(3)`

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func target(t testing.TB, text string) image.Target {
	t.Helper()
	parsed, err := image.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// state is of a tag that fails its policy, with hostile texts wherever one can
// come from an image, a feed, a bundle or a registry.
func state(t testing.TB) watch.State {
	t.Helper()
	finding := vuln.Finding{ID: "CVE-2026-1" + hostile, Package: vuln.Package{Name: "openssl" + hostile, Version: "1" + hostile, Type: "deb" + hostile},
		Severity: vuln.Critical, URL: "javascript:alert(4)", Description: hostile, Fix: vuln.Fix{State: vuln.FixKnown, Versions: []string{"2" + hostile}}, KnownExploited: true}
	evaluation := policy.Evaluation{ImageID: "abc", Reference: target(t, "registry.example.com/shop/api:1").Reference, Status: policy.Fail, FinalAction: policy.Stop,
		Rows: []policy.Row{{TriggerID: "x", Gate: "vulnerabilities" + hostile, Trigger: "package", Message: "bad" + hostile, Action: policy.Stop}}}
	document, err := policy.Document(evaluation, nil, "admin")
	if err != nil {
		t.Fatal(err)
	}
	return watch.State{Revision: 1, Resolved: image.Resolved{Manifest: image.Digest("sha256:" + strings.Repeat("a", 64))},
		Analyzed: image.Digest("sha256:" + strings.Repeat("a", 64)), Matched: true, Counts: vuln.Counts{Critical: 1, High: 2},
		Vulnerabilities: []vuln.Finding{finding}, Checked: now.Add(-time.Minute), Changed: now.Add(-time.Hour),
		Problem:    &condition.Problem{Stage: condition.StageResolve, Message: "registry says " + hostile, Since: now.Add(-time.Hour)},
		Evaluation: &watch.Evaluation{Status: policy.Fail, FinalAction: policy.Stop, Document: document}}
}

// content is what the page reads in these tests.
type content struct {
	t     testing.TB
	tags  int
	asked watch.OverviewFilter
	waits []overload.Queue
	fails error
}

func (c *content) Installation(context.Context) (page.Installation, error) {
	return page.Installation{Pass: c.tags, Fail: 1, FailingTags: 1, NotCovered: 2, FeedBuilt: now.Add(-30 * time.Hour),
		Overloads: overload.Find(c.waits, now)}, c.fails
}

// Overview lists tags in the order of their numbers, which is not that of their names.
func (c *content) Overview(_ context.Context, filter watch.OverviewFilter) ([]watch.Summary, int, error) {
	c.asked = filter
	first, end := 0, c.tags
	if at := strings.LastIndex(filter.After, ":"); at >= 0 {
		first, _ = strconv.Atoi(filter.After[at+1:])
		first++
	}
	if at := strings.LastIndex(filter.Before, ":"); at >= 0 {
		end, _ = strconv.Atoi(filter.Before[at+1:])
		first = max(0, end-filter.Limit)
	}
	var rows []watch.Summary
	for n := first; n < min(first+filter.Limit, end); n++ {
		rows = append(rows, state(c.t).Summarize(target(c.t, fmt.Sprintf("registry.example.com/shop/api:%d", n))))
	}
	return rows, c.tags, c.fails
}

func (c *content) Histories(_ context.Context, targets []image.Target) (map[image.Target][]watch.CountsAt, error) {
	found := map[image.Target][]watch.CountsAt{}
	for _, target := range targets {
		found[target] = []watch.CountsAt{{At: now.Add(-48 * time.Hour), Counts: vuln.Counts{High: 1}}, {At: now.Add(-time.Hour), Counts: vuln.Counts{Critical: 1, High: 2}}}
	}
	return found, nil
}

// Running is what runs of every third tag: two containers the image, one an older one.
func (c *content) Running(_ context.Context, targets []image.Target) (map[image.Target]*workload.Running, error) {
	found := map[image.Target]*workload.Running{}
	for n := 0; n < len(targets); n += 3 {
		found[targets[n]] = &workload.Running{Total: 3, Current: 2, Older: 1}
	}
	return found, c.fails
}

func (c *content) View(_ context.Context, target image.Target) (watch.RecordView, error) {
	state := state(c.t)
	if target.Reference.Tag == "many" {
		state = crowded(c.t)
	}
	return watch.RecordView{Watched: target.Reference.Path == "shop/api", State: state,
		Subscriptions: []subscription.Subscription{{Target: target, Type: notification.VulnUpdate, Active: true}}}, c.fails
}

func (c *content) Unreadable(_ context.Context, digest image.Digest) ([]sbom.Unreadable, error) {
	if digest != state(c.t).Analyzed {
		return nil, errkind.NotFound
	}
	var files []sbom.Unreadable
	for n := range 103 {
		files = append(files, sbom.Unreadable{Path: fmt.Sprintf("/app/%03d/package.json", n) + hostile, Cataloger: "javascript-package-cataloger", Reason: "it says " + hostile})
	}
	return files, c.fails
}

func (c *content) NotificationPage(_ context.Context, filter page.NotificationFilter) ([]page.Notification, error) {
	if filter.Type == notification.EventLog && filter.Limit == 1 {
		level := map[string]string{"down.example.com": "error", "back.example.com": "info"}[filter.Subject]
		entry := notification.Notification{ID: "id-1", Type: notification.EventLog, Subject: filter.Subject, Created: now.Add(-time.Hour), Summary: "it says " + hostile,
			Payload: []byte(`{"event": {"level": "` + level + `"}}`)}
		return []page.Notification{{Notification: entry}}, c.fails
	}
	var notified []page.Notification
	for n := range filter.Limit {
		notified = append(notified, page.Notification{Seq: int64(1000 - n), Notification: c.notification(fmt.Sprint("id-", n))})
	}
	return notified, c.fails
}

func (c *content) notification(id string) notification.Notification {
	return notification.Notification{ID: id, Type: notification.PolicyEval, Subject: "registry.example.com/shop/api:1", Cause: notification.CauseImage, Created: now, Summary: "now fails " + hostile,
		Payload: []byte(`{"cause": "image"}`)}
}

func (c *content) NotificationByID(_ context.Context, id string) (notification.Notification, error) {
	if id != "id-1" {
		return notification.Notification{}, errkind.NotFound
	}
	return c.notification(id), nil
}

func (c *content) DeliveriesOf(context.Context, string) ([]delivery.Delivery, error) {
	return []delivery.Delivery{{ID: 1, Endpoint: "ops" + hostile, State: delivery.Failed, Attempts: 3, Answer: "HTTP 500: " + hostile}}, nil
}

func (c *content) GivenUp(context.Context, time.Time) (map[string]delivery.GivenUp, error) {
	return map[string]delivery.GivenUp{"quiet": {Count: 2, Last: now.Add(-time.Hour), Answer: "HTTP 422 " + hostile}}, c.fails
}

func (c *content) Endpoints(context.Context) ([]endpoint.Endpoint, error) {
	return []endpoint.Endpoint{{Name: "chat", URL: "https://hooks.example.com/services/a-secret-path?key=a-secret-key",
		State: delivery.EndpointState{FailingSince: now.Add(-time.Hour), LastAnswer: "HTTP 500 " + hostile}}, {Name: "quiet", URL: "env:CHAT_URL"}}, c.fails
}

func (c *content) Backlog(context.Context, string) (delivery.Backlog, error) {
	return delivery.Backlog{Pending: 7}, nil
}

func (c *content) DeliveryCounts(context.Context, string) (map[delivery.State]int, error) {
	return map[delivery.State]int{delivery.Delivered: 5, delivery.Failed: 1}, nil
}

func (c *content) RegistryStates(context.Context) ([]polling.RegistryState, error) {
	return []polling.RegistryState{{Registry: "registry.example.com", Tags: 3, Failing: 1, Checked: now, Example: &condition.Problem{Stage: condition.StageResolve, Message: hostile}},
		{Registry: "down.example.com", Tags: 1, Checked: now}, {Registry: "back.example.com", Tags: 1, Checked: now}}, c.fails
}

func (c *content) Feed(context.Context) (databuild.Feed, error) {
	built := vuln.Description{Build: vuln.Build{Checksum: "sha256:f", Built: now.Add(-time.Hour)},
		Providers: []vuln.ProviderState{{Name: "debian" + hostile, Records: 5}}}
	return databuild.Feed{Current: &built, Held: &built, Reasons: []string{hostile}, HeldSince: now.Add(-time.Minute), Checked: now,
		Status: "eol" + hostile, Conditions: []condition.Condition{{Key: condition.Key{Kind: vuln.ProviderOutdated, Name: hostile}, Message: "provider debian is old" + hostile, Since: now}}}, c.fails
}

// reader is a browser of the page.
type reader struct {
	t      *testing.T
	url    string
	client *http.Client
	clock  *clock
}

// clock is the page's.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) get() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// tokens of the HTTP API are kept in memory, by id.
type tokens map[string]apitoken.Token

func (k tokens) Token(_ context.Context, id string) (apitoken.Token, error) {
	known, found := k[id]
	if !found {
		return known, errkind.NotFound
	}
	return known, nil
}

// sessions are kept in memory; the store has tests of its own.
type sessions struct {
	mu   sync.Mutex
	kept map[string]time.Time
}

func (s *sessions) StartSession(_ context.Context, id string, _, expires time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[id] = expires
	return nil
}

func (s *sessions) SessionLive(_ context.Context, id string, now time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[id].After(now), nil
}

func (s *sessions) EndSession(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, id)
	return nil
}

func open(t *testing.T, read page.Reader, token string) *reader {
	t.Helper()
	return openWith(t, read, page.Options{Open: token == "", Token: token, Tokens: tokens{}})
}

func openWith(t *testing.T, read page.Reader, options page.Options) *reader {
	t.Helper()
	clock := &clock{now: now}
	options.Read, options.Sessions, options.UI = read, &sessions{kept: map[string]time.Time{}}, "http://127.0.0.1:8233/namespaces/default"
	options.WorkflowID, options.Version, options.Now = func(target image.Target) string { return "watch-tag:" + target.String() }, "test", clock.get
	options.Log = slog.New(slog.DiscardHandler)
	handler, err := page.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{t: t, url: server.URL, client: &http.Client{Jar: jar}, clock: clock}
}

// get returns an answer with its text.
func (r *reader) get(path string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		} else {
			request.Header.Set(headers[i], headers[i+1])
		}
	}
	return r.do(request)
}

func (r *reader) post(path string, form url.Values) (*http.Response, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r.do(request)
}

func (r *reader) do(request *http.Request) (*http.Response, string) {
	r.t.Helper()
	answer, err := r.client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer, string(text)
}
