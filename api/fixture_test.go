package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/mocks"
	"google.golang.org/grpc"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/api"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/operations"
)

const (
	inside  = "ghcr.io/web/shop:1.2"
	outside = "docker.io/library/nginx:1.27"
)

// now is far enough from the tests' clock for nothing to be due.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is an API over HTTP on a store with two tags, of which the tokens of the team
// web may see one.
type fixture struct {
	*testing.T
	store *store.Store
	url   string
	// handler is what is served, and passed how far its clock is beyond now.
	handler http.Handler
	passed  atomic.Int64
	// tokens are the texts by name: a scope, or web- and a scope.
	tokens map[string]string
	asked  []string // of Temporal
	asking sync.Mutex
	fails  error // what Temporal answers
	// completes has all workflows end at once, with the results that it fills in; nil if
	// they run on.
	completes func(result any)
	broken    error // what the database answers
	sent      int
}

// each runs a test on SQLite, and on PostgreSQL where there is one.
func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newFixture(t, storetest.Open(t)))
	})
	if server := os.Getenv("TAGWATCH_TEST_POSTGRES"); server != "" {
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, onPostgres(t, server)))
		})
	}
}

func onPostgres(t testing.TB, server string) *store.Store {
	t.Helper()
	admin, err := sqlx.Connect("postgres", server)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower(fmt.Sprintf("test_api_%d_%d", os.Getpid(), time.Now().UnixNano()))
	admin.MustExec("CREATE DATABASE " + name)
	t.Cleanup(func() {
		admin.MustExec("DROP DATABASE " + name + " WITH (FORCE)")
		admin.Close()
	})
	parsed, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Path = "/" + name
	opened, err := store.Open(t.Context(), parsed.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened
}

func newFixture(t *testing.T, kept *store.Store) *fixture {
	t.Helper()
	f := &fixture{T: t, store: kept, tokens: map[string]string{}}
	f.seed()
	f.serve(nil, nil)
	return f
}

// serve serves an API that accepts tokens of an issuer as well.
func (f *fixture) serve(trusted api.Issuer, rules []token.Rule) {
	f.Helper()
	kept := f.store
	system := operations.System{Account: "admin",
		Store: func(context.Context) (*store.Store, error) { return kept, f.broken },
		Ask: func(ctx context.Context, doing string, _ time.Duration, request func(context.Context, client.Client) error) error {
			f.asking.Lock()
			f.asked = append(f.asked, doing)
			f.asking.Unlock()
			if f.completes != nil {
				return request(ctx, client.Client{Temporal: ended(doing, f.completes)})
			}
			if f.fails == nil && slices.ContainsFunc(ofTasks, func(begin string) bool { return strings.HasPrefix(doing, begin) }) {
				return request(ctx, client.Client{Temporal: running()})
			}
			if doing == "check Temporal" {
				return client.ErrUnreachable
			}
			if strings.HasPrefix(doing, "ask for the status") {
				return fmt.Errorf("no workflow: %w", errkind.NotFound)
			}
			return f.fails
		}}
	served, err := api.New(api.Options{Issuer: trusted, Rules: rules, System: system, Tokens: kept, Keys: kept, News: kept, Now: func() time.Time { return now.Add(time.Duration(f.passed.Load())) }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	f.must(err)
	server := httptest.NewServer(served)
	f.Cleanup(server.Close)
	f.url, f.handler = server.URL, served
}

// ofTasks begin what the operations about tasks ask of Temporal.
var ofTasks = []string{"activate bundle", "store and activate", "compare the running workflows", "show the task", "fetch vulnerability data", "import vulnerability data", "release vulnerability data", "go back to earlier", "evaluate with the stored", "plan to watch"}

// running is a Temporal whose every workflow runs.
func running() *mocks.Client {
	return temporal("apply-policy", enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil)
}

// ended is a Temporal whose every workflow has ended, with the result that fill knows.
func ended(doing string, fill func(result any)) *mocks.Client {
	id := "apply-policy"
	switch {
	case strings.HasPrefix(doing, "fetch vulnerability data"):
		id = "sync-feed"
	case strings.HasPrefix(doing, "plan to watch"):
		id = "plan-repository:" + strings.TrimPrefix(doing, "plan to watch ") + ":1"
	}
	return temporal(id, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, fill)
}

func temporal(id string, status enums.WorkflowExecutionStatus, fill func(result any)) *mocks.Client {
	run := &mocks.WorkflowRun{}
	run.On("GetID").Return(id)
	run.On("GetRunID").Return("one run")
	run.On("Get", mock.Anything, mock.Anything).Run(func(arguments mock.Arguments) { fill(arguments.Get(1)) }).Return(nil)
	temporal := &mocks.Client{}
	temporal.On("GetWorkflow", mock.Anything, mock.Anything, mock.Anything).Return(run)
	temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(run, nil)
	temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything).Return(run, nil)
	temporal.On("SignalWithStartWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(run, nil)
	temporal.On("WorkflowService").Return(unattended{})
	temporal.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything).Return(&workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Status: status}}, nil)
	return temporal
}

// unattended is a service of Temporal at whose queues nobody waits.
type unattended struct {
	workflowservice.WorkflowServiceClient
}

func (unattended) DescribeTaskQueue(context.Context, *workflowservice.DescribeTaskQueueRequest, ...grpc.CallOption) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{}, nil
}

// seed stores two tags with everything that hangs on them.
func (f *fixture) seed() {
	ctx := f.Context()
	f.must(f.store.SaveEndpoint(ctx, endpoint.Endpoint{Name: "ops", URL: "https://receiver.example.com/T0/secret-path", Headers: map[string]string{"X-Team": "secret-header"}}, now))
	for _, name := range []string{inside, outside} {
		f.must(storetest.Seeding{Store: f.store, Now: now.Add(-time.Hour), Target: f.target(name)}.Watch(ctx, policy.Default()))
	}
	_, err := f.store.Accept(ctx, []acceptance.Acceptance{{Vulnerability: "CVE-2026-7000", Subject: inside, Reason: "no fix", By: "ada", Created: now},
		{Vulnerability: "CVE-2026-7000", Subject: outside, Reason: "no fix", By: "ada", Created: now}})
	f.must(err)
	for _, name := range []string{"ghcr.io/web/shop", "docker.io/library/nginx"} {
		repository, err := image.ParseRepository(name)
		f.must(err)
		f.must(f.store.SaveRepository(ctx, taglist.Repository{Name: repository}, now))
	}
	f.must(f.store.SaveBuild(ctx, vuln.Description{Build: vuln.Build{Checksum: "sha256:held", Built: now, Schema: "6.1.0"}}, databuild.Held, []string{"half of it is gone"}, now))
	// A source that brought a tag and lists nothing any more, which waits to be confirmed.
	f.must(f.store.SaveSource(ctx, source.Source{Name: "shop", Kind: source.File, Paths: []string{"/srv/list"}, Types: notification.TagTypes}, now))
	for _, found := range [][]source.Found{{source.Refer(inside, "list:1", image.Platform{})}, {source.Not(source.Scratch, "scratch", "list:1", "")}} {
		f.must(f.store.RecordSource(ctx, "shop", found, func(view source.View) (source.Decision, error) { return source.Decide(view, found, "", now) }))
	}
	_, _, err = f.store.FollowConditions(ctx, condition.Wrong(condition.Key{Kind: condition.Unreadable, Resource: condition.Source, Name: "shop"},
		&condition.Found{Step: string(condition.StageConfirm), Message: "gone"}), now, func([]condition.Change) ([]notification.Notification, error) { return nil, nil }, 0)
	f.must(err)
	for _, scope := range token.Scopes {
		for name, bounds := range map[string]token.Bounds{string(scope): nil, "web-" + string(scope): {"ghcr.io/web/*"}} {
			made, text, err := token.New(name, scope, bounds, now.Add(-time.Hour), now.Add(time.Hour))
			f.must(err)
			f.must(f.store.SaveToken(ctx, made))
			f.tokens[name] = text
		}
	}
}

// pending are the deliveries about a tag.
func (f *fixture) deliveries(subject string) []delivery.Delivery {
	found, err := f.store.Deliveries(f.Context(), store.DeliveryFilter{Subject: subject})
	f.must(err)
	return found
}

func (f *fixture) target(text string) image.Target {
	parsed, err := image.ParseTarget(text)
	f.must(err)
	return parsed
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// send sends a request with the token of that name, and reads the answer.
func (f *fixture) send(name, method, path, body string, headers ...string) (*http.Response, string) {
	f.Helper()
	request, err := http.NewRequestWithContext(f.Context(), method, f.url+path, strings.NewReader(body))
	f.must(err)
	if name != "" {
		request.Header.Set("Authorization", "Bearer "+f.tokens[name])
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	f.must(err)
	defer response.Body.Close()
	if response.Header.Get("Content-Type") == "text/event-stream" {
		return response, f.untilNow(response.Body)
	}
	content, err := io.ReadAll(response.Body)
	f.must(err)
	return response, string(content)
}

// untilNow reads a stream until everything that was stored has come.
func (f *fixture) untilNow(body io.Reader) string {
	f.Helper()
	var read strings.Builder
	for lines := bufio.NewScanner(body); lines.Scan(); {
		if lines.Text() == ": now" {
			return read.String()
		}
		read.WriteString(lines.Text() + "\n")
	}
	f.Fatalf("the stream ended: %s", read.String())
	return ""
}
