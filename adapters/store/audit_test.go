package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	apitoken "github.com/tagwatch/tagwatch/domain/token"
)

// planted is in every field of the changes below that may hold a secret.
const planted = "planted-s3cret"

// change is a change that somebody can make: what it needs, what it does, and what the
// audit trail has of it.
type change struct {
	method  string
	prepare func(context.Context, *testing.T, *store.Store)
	do      func(context.Context, *testing.T, *store.Store) error
	// again is whether it can be made twice: the second time changes nothing.
	again         bool
	action        audit.Action
	subject       string
	before, after string
}

func hook(change ...func(*endpoint.Endpoint)) endpoint.Endpoint {
	e := endpoint.Endpoint{Name: "hook", URL: "https://chat.example/" + planted, Headers: map[string]string{"X-Key": planted}, Proxy: "http://user:" + planted + "@proxy.example",
		Signing: []endpoint.SecretRef{"env:HOOK_SECRET"}}
	for _, do := range change {
		do(&e)
	}
	return e
}

func theBundle(hash string) policy.StoredBundle {
	return policy.StoredBundle{ID: "usual", Name: "Usual", Hash: hash, Document: []byte(hash)}
}

func acceptOne(ctx context.Context, _ *testing.T, s *store.Store) error {
	_, err := s.Accept(ctx, []acceptance.Acceptance{{Vulnerability: "CVE-2026-1", Reason: "no fix", Owner: "web", By: "ada", Until: at(60), Created: at(0)}})
	return err
}

// changes are all changes that people make. TestChangesAreAll holds it.
func changes(t *testing.T) []change {
	web := target(t, "quay.io/team/web:1.0")
	subscribeTo := func(options subscription.Options, poll time.Duration) func(context.Context, *testing.T, *store.Store) error {
		return func(ctx context.Context, t *testing.T, s *store.Store) error {
			sub := newSubscription(web, notification.TagUpdate)
			sub.Options = options
			return s.Subscribe(ctx, []subscription.Subscription{sub}, poll, at(1))
		}
	}
	subscribed := func(ctx context.Context, t *testing.T, s *store.Store) {
		check(t, subscribeTo(subscription.Options{}, 0)(ctx, t, s))
	}
	none := func(context.Context, *testing.T, *store.Store) {}
	saveHook := func(e endpoint.Endpoint) func(context.Context, *testing.T, *store.Store) error {
		return func(ctx context.Context, t *testing.T, s *store.Store) error { return s.SaveEndpoint(ctx, e, at(1)) }
	}
	withHook := func(ctx context.Context, t *testing.T, s *store.Store) { check(t, saveHook(hook())(ctx, t, s)) }
	saveBundle := func(hash string) func(context.Context, *testing.T, *store.Store) error {
		return func(ctx context.Context, t *testing.T, s *store.Store) error {
			return s.SaveBundle(ctx, theBundle(hash), at(1))
		}
	}
	withBundle := func(ctx context.Context, t *testing.T, s *store.Store) { check(t, saveBundle("h1")(ctx, t, s)) }
	withAcceptance := func(ctx context.Context, t *testing.T, s *store.Store) { check(t, acceptOne(ctx, t, s)) }
	app := watched(t)
	brought := func(ctx context.Context, t *testing.T, s *store.Store) {
		sub := newSubscription(web, notification.TagUpdate)
		sub.Repository = app.Name
		check(t, s.Subscribe(ctx, []subscription.Subscription{sub}, 0, at(0)))
	}
	saveSource := func(path, value string) func(context.Context, *testing.T, *store.Store) error {
		return func(ctx context.Context, t *testing.T, s *store.Store) error {
			return s.SaveSource(ctx, source.Source{Name: "shop", Kind: source.File, Paths: []string{path}, Variables: map[string]string{"KEY": value}}, at(1))
		}
	}
	ci, _, err := apitoken.New("ci", apitoken.Act, apitoken.Bounds{"quay.io/team/*"}, at(0), at(60))
	check(t, err)
	dockerfile := "ENV KEY=" + planted
	return []change{
		{"Subscribe", none, subscribeTo(subscription.Options{Dockerfile: dockerfile}, 5*time.Minute), true, audit.SubscriptionCreate, "quay.io/team/web:1.0",
			``, fmt.Sprintf(`{"interval":"5m0s","tag_update":{"dockerfile":"22 bytes, sha256:%x"}}`, sha256.Sum256([]byte(dockerfile)))},
		{"Subscribe", subscribed, subscribeTo(subscription.Options{FixableOnly: true}, 0), true, audit.SubscriptionUpdate, "quay.io/team/web:1.0",
			`{"tag_update":{}}`, `{"tag_update":{"fixable_only":true}}`},
		{"Unsubscribe", subscribed, func(ctx context.Context, t *testing.T, s *store.Store) error {
			_, err := s.Unsubscribe(ctx, web, nil, at(1))
			return err
		}, false, audit.SubscriptionEnd, "quay.io/team/web:1.0", `{"tag_update":{}}`, ``},
		{"UnsubscribeAll", subscribed, func(ctx context.Context, t *testing.T, s *store.Store) error {
			return s.UnsubscribeAll(ctx, []subscription.End{{Target: web}}, at(1))
		}, true, audit.SubscriptionEnd, "quay.io/team/web:1.0", `{"tag_update":{}}`, ``},
		{"UnwatchTags", brought, func(ctx context.Context, t *testing.T, s *store.Store) error {
			_, err := s.UnwatchTags(ctx, app.Name, at(1))
			return err
		}, true, audit.SubscriptionEnd, "quay.io/team/web:1.0", `{"tag_update":{"repository":"quay.io/team/app"}}`, ``},
		{"SaveRepository", func(ctx context.Context, t *testing.T, s *store.Store) {
			check(t, s.SaveRepository(ctx, app, at(0)))
		}, func(ctx context.Context, t *testing.T, s *store.Store) error {
			changed := app
			changed.Most, changed.Poll, changed.List = 7, 2*time.Minute, 2*time.Hour
			return s.SaveRepository(ctx, changed, at(1))
		}, true, audit.RepositoryUpdate, "quay.io/team/app", `{"interval":"1m0s","list_interval":"1h0m0s"}`,
			`{"interval":"2m0s","list_interval":"2h0m0s","max_tags":7}`},
		{"DeleteRepository", func(ctx context.Context, t *testing.T, s *store.Store) {
			check(t, s.SaveRepository(ctx, app, at(0)))
		}, func(ctx context.Context, t *testing.T, s *store.Store) error {
			return s.DeleteRepository(ctx, app.Name, at(1))
		}, false, audit.RepositoryUnwatch, "quay.io/team/app", `*`, ``},
		{"SaveSource", none, saveSource("/srv/list", planted), true, audit.SourceWatch, "shop", ``, `{"kind":"file","name":"shop","paths":["/srv/list"],"variables":{"KEY":"..."}}`},
		{"SaveSource", none, func(ctx context.Context, t *testing.T, s *store.Store) error {
			return s.SaveSource(ctx, source.Source{Name: "shop", Kind: source.File, Paths: []string{"https://lists.example/" + planted}, Types: notification.TagTypes[:1],
				Poll: time.Minute, List: time.Hour, Most: 7}, at(1))
		}, true, audit.SourceWatch, "shop", ``,
			fmt.Sprintf(`{"interval":"1m0s","kind":"file","list_interval":"1h0m0s","max_tags":7,"name":"shop","paths":["https://lists.example/..."],"types":[%q]}`, notification.TagTypes[0])},
		{"SaveSource", func(ctx context.Context, t *testing.T, s *store.Store) {
			check(t, saveSource("https://lists.example/"+planted, planted)(ctx, t, s))
		}, saveSource("https://lists.example/"+planted, planted+"2"), true, audit.SourceUpdate, "shop", `{"variables":{"KEY":"..."}}`, `{"variables":{"KEY":"... (changed)"}}`},
		{"ConfirmSource", func(ctx context.Context, t *testing.T, s *store.Store) {
			check(t, s.SaveSource(ctx, listSource("app"), at(0)))
			doubted(t, s, "app")
		}, func(ctx context.Context, _ *testing.T, s *store.Store) error {
			return s.ConfirmSource(ctx, "app", at(1))
		},
			false, audit.SourceConfirm, "app", `{"waits":"gone"}`, `{"confirmed":"gone"}`},
		{"DeleteSource", func(ctx context.Context, t *testing.T, s *store.Store) {
			check(t, saveSource("https://lists.example/"+planted, planted)(ctx, t, s))
		}, func(ctx context.Context, t *testing.T, s *store.Store) error {
			_, err := s.DeleteSource(ctx, "shop", at(1))
			return err
		}, false, audit.SourceUnwatch, "shop", `*`, ``},
		{"SaveEndpoint", none, saveHook(hook()), true, audit.EndpointCreate, "hook", ``,
			`{"headers":{"X-Key":"..."},"name":"hook","proxy":"...","signing":["env:HOOK_SECRET"],"url":"https://chat.example/..."}`},
		{"SaveEndpoint", withHook, saveHook(hook(func(e *endpoint.Endpoint) { e.Timeout, e.Pace.Digest = 20*time.Second, 10*time.Minute })), true, audit.EndpointUpdate, "hook",
			`{}`, `{"digest":"10m0s","timeout":"20s"}`},
		{"SaveEndpoint", withHook, saveHook(hook(func(e *endpoint.Endpoint) {
			e.URL, e.Headers, e.Signing = e.URL+"2", map[string]string{"X-Key": planted + "2"}, []endpoint.SecretRef{"env:OTHER"}
		})), true, audit.EndpointUpdate, "hook", `{"headers":{"X-Key":"..."},"signing":["env:HOOK_SECRET"],"url":"https://chat.example/..."}`,
			`{"headers":{"X-Key":"... (changed)"},"signing":["env:OTHER"],"url":"https://chat.example/... (changed)"}`},
		{"EditEndpoint", withHook, func(ctx context.Context, t *testing.T, s *store.Store) error {
			_, err := s.EditEndpoint(ctx, "hook", at(1), func(before *endpoint.Endpoint) (endpoint.Endpoint, error) {
				before.Signing = []endpoint.SecretRef{"env:OTHER"}
				return *before, nil
			})
			return err
		}, true, audit.EndpointUpdate, "hook", `{"signing":["env:HOOK_SECRET"]}`, `{"signing":["env:OTHER"]}`},
		{"SwitchEndpoint", withHook, func(ctx context.Context, t *testing.T, s *store.Store) error {
			return s.SwitchEndpoint(ctx, "hook", delivery.EndpointState{Disabled: true, Reason: "moving"}, at(1))
		}, true, audit.EndpointDisable, "hook", `{"disabled":false}`, `{"disabled":true,"reason":"moving"}`},
		{"SwitchEndpoint", func(ctx context.Context, t *testing.T, s *store.Store) {
			withHook(ctx, t, s)
			check(t, s.SetEndpointState(ctx, "hook", delivery.EndpointState{}.Failed("500", at(0))))
		}, func(ctx context.Context, t *testing.T, s *store.Store) error {
			return s.SwitchEndpoint(ctx, "hook", delivery.EndpointState{}, at(1))
		}, true, audit.EndpointEnable, "hook", `{"failing":true}`, `{"failing":false}`},
		{"DeleteEndpoint", withHook, func(ctx context.Context, t *testing.T, s *store.Store) error {
			return s.DeleteEndpoint(ctx, "hook", at(1))
		}, false, audit.EndpointDelete, "hook", `{"headers":{"X-Key":"..."},"name":"hook","proxy":"...","signing":["env:HOOK_SECRET"],"url":"https://chat.example/..."}`, ``},
		{"Redeliver", func(ctx context.Context, t *testing.T, s *store.Store) { pending(t, s, "n", 0) },
			func(ctx context.Context, t *testing.T, s *store.Store) error {
				d := must[[]delivery.Delivery](t)(s.Deliveries(ctx, store.DeliveryFilter{}))[0]
				return s.Redeliver(ctx, []int64{d.ID, d.ID}, at(1))
			}, false, audit.DeliveryRepeat, "*", `{"1 to pager":"pending"}`, `{"1 to pager":"pending, sent again"}`},
		{"SaveBundle", none, saveBundle("h1"), true, audit.PolicyCreate, "usual", ``, `{"hash":"h1","name":"Usual","version":1}`},
		{"SaveBundle", withBundle, saveBundle("h2"), true, audit.PolicyUpdate, "usual", `{"hash":"h1","version":1}`, `{"hash":"h2","version":2}`},
		{"ActivateBundle", withBundle, func(ctx context.Context, t *testing.T, s *store.Store) error {
			_, err := s.ActivateBundle(ctx, "usual", at(1))
			return err
		}, true, audit.PolicyActivate, "usual", `{}`, `{"active":"usual"}`},
		{"DeleteBundle", withBundle, func(ctx context.Context, t *testing.T, s *store.Store) error {
			return s.DeleteBundle(ctx, "usual", at(1))
		}, false, audit.PolicyDelete, "usual", `{"hash":"h1","name":"Usual","version":1}`, ``},
		{"Accept", none, acceptOne, false, audit.AcceptanceCreate, "CVE-2026-1", ``, `{"acceptance":1,"owner":"web","reason":"no fix","until":"2026-03-01T13:00:00Z"}`},
		{"Accept", none, func(ctx context.Context, _ *testing.T, s *store.Store) error {
			_, err := s.Accept(ctx, []acceptance.Acceptance{{Vulnerability: "CVE-2026-1", Package: "openssl", Subject: "quay.io/team/*", Reason: "no fix", By: "ada", Created: at(0)}})
			return err
		}, false, audit.AcceptanceCreate, "CVE-2026-1", ``, `{"acceptance":1,"package":"openssl","reason":"no fix","subject":"quay.io/team/*","until":"fixed"}`},
		{"ExtendAcceptance", withAcceptance,
			func(ctx context.Context, t *testing.T, s *store.Store) error {
				_, err := s.ExtendAcceptance(ctx, 1, at(120), "ada", at(1))
				return err
			}, true, audit.AcceptanceExtend, "CVE-2026-1", `{"acceptance":1,"owner":"web","reason":"no fix","until":"2026-03-01T13:00:00Z"}`,
			`{"acceptance":1,"owner":"web","reason":"no fix","until":"2026-03-01T14:00:00Z"}`},
		{"RevokeAcceptance", withAcceptance,
			func(ctx context.Context, t *testing.T, s *store.Store) error {
				_, err := s.RevokeAcceptance(ctx, 1, "ada", at(1))
				return err
			}, false, audit.AcceptanceRevoke, "CVE-2026-1", `{"acceptance":1,"owner":"web","reason":"no fix","until":"2026-03-01T13:00:00Z"}`,
			`{"acceptance":1,"owner":"web","reason":"no fix","revoked_by":"ada","until":"2026-03-01T13:00:00Z"}`},
		{"Advance", func(ctx context.Context, t *testing.T, s *store.Store) {
			advance(t, s, "", "sha256:g1", nil)
			check(t, s.SaveBuild(ctx, build("sha256:g2"), "", nil, start))
		}, func(ctx context.Context, t *testing.T, s *store.Store) error {
			_, err := s.Advance(ctx, databuild.Advance{From: "sha256:g1", To: "sha256:g2", FromEngine: matcher, Matcher: matcher, Watermark: 1 << 40, Action: audit.FeedRelease}, at(1))
			return err
		}, false, audit.FeedRelease, "feed", `{"build":"sha256:g1"}`, `{"build":"sha256:g2"}`},
		{"SaveToken", none, func(ctx context.Context, t *testing.T, s *store.Store) error { return s.SaveToken(ctx, ci) }, false,
			audit.TokenCreate, "ci", ``, `{"expires":"2026-03-01T13:00:00.123456Z","scope":"act","subjects":["quay.io/team/*"]}`},
		{"DeleteToken", func(ctx context.Context, t *testing.T, s *store.Store) { check(t, s.SaveToken(ctx, ci)) },
			func(ctx context.Context, t *testing.T, s *store.Store) error { return s.DeleteToken(ctx, "ci", at(1)) }, false,
			audit.TokenRevoke, "ci", `{"expires":"2026-03-01T13:00:00.123456Z","scope":"act","subjects":["quay.io/team/*"]}`, ``},
		{"Release", func(ctx context.Context, t *testing.T, s *store.Store) {
			check(t, s.Claim(ctx, "web-team", []declaration.Key{{Kind: declaration.OfEndpoint, Name: "hook"}}, at(0)))
		}, func(ctx context.Context, _ *testing.T, s *store.Store) error {
			return s.Release(ctx, "web-team", []declaration.Key{{Kind: declaration.OfEndpoint, Name: "hook"}}, at(1))
		}, false, audit.OwnerRelease, "hook", `{"kind":"endpoint","owner":"web-team"}`, ``},
		{"Claim", none, func(ctx context.Context, _ *testing.T, s *store.Store) error {
			return s.Claim(ctx, "web-team", []declaration.Key{{Kind: declaration.OfEndpoint, Name: "hook"}}, at(1))
		}, true, audit.OwnerClaim, "hook", ``, `{"kind":"endpoint","owner":"web-team"}`},
		{"Claim", none, func(ctx context.Context, _ *testing.T, s *store.Store) error {
			return s.Claim(ctx, "web-team", []declaration.Key{declaration.KeyOfAcceptance(acceptance.Acceptance{Vulnerability: "CVE-2026-1", Package: "openssl"})}, at(1))
		}, true, audit.OwnerClaim, "CVE-2026-1", ``, `{"kind":"acceptance","name":"CVE-2026-1 in openssl","owner":"web-team"}`},
	}
}

var ada = audit.Actor{Name: "ada", Via: audit.CommandLine}

// TestAudit: each change by somebody is recorded once, without secrets; one that changes
// nothing is not, and what Tagwatch does itself is not either.
func TestAudit(t *testing.T) {
	for i, c := range changes(t) {
		t.Run(fmt.Sprintf("%s %d", c.method, i), func(t *testing.T) {
			each(t, func(t *testing.T, s *store.Store) {
				ctx := t.Context()
				c.prepare(ctx, t, s)
				if got := trailOf(t, s); len(got) != 0 {
					t.Fatalf("without an actor: %+v", got)
				}
				check(t, c.do(audit.As(ctx, ada), t, s))
				got := trailOf(t, s)
				if len(got) != 1 {
					t.Fatalf("%d entries: %+v", len(got), got)
				}
				e := got[0]
				if e.Actor != ada || e.At.Before(at(0)) || e.At.After(at(1)) || e.Action != c.action || c.subject != "*" && e.Subject != c.subject {
					t.Errorf("recorded %+v", e)
				}
				same(t, "before", e.Before, c.before)
				same(t, "after", e.After, c.after)
				if text := fmt.Sprintf("%s %s %+v", e.Before, e.After, e); strings.Contains(text, planted) {
					t.Errorf("a secret is recorded: %s", text)
				}
				err := c.do(audit.As(ctx, ada), t, s)
				if c.again && err != nil {
					t.Errorf("again: %v", err)
				}
				if again := trailOf(t, s); c.again && len(again) != 1 {
					t.Errorf("what changed nothing is recorded: %+v", again[0])
				}
			})
		})
	}
}

func same(t *testing.T, what string, got json.RawMessage, want string) {
	t.Helper()
	if want != "*" && string(got) != want {
		t.Errorf("%s:\n got  %s\n want %s", what, got, want)
	}
}

func trailOf(t *testing.T, s *store.Store) []audit.Entry {
	t.Helper()
	return must[[]audit.Entry](t)(s.Audit(t.Context(), audit.Filter{}))
}

// TestAuditIsPartOfTheChange: a change that cannot be recorded is not made.
func TestAuditIsPartOfTheChange(t *testing.T) {
	for i, c := range changes(t) {
		t.Run(fmt.Sprintf("%s %d", c.method, i), func(t *testing.T) {
			eachURL(t, func(t *testing.T, url string) {
				ctx := t.Context()
				s := open(t, url)
				c.prepare(ctx, t, s)
				db := connect(t, url)
				defer db.Close()
				db.MustExec(`ALTER TABLE audit RENAME TO gone`)
				before := contents(t, db)
				if err := c.do(audit.As(ctx, ada), t, s); err == nil {
					t.Error("made without a record")
				}
				if diff := cmp.Diff(before, contents(t, db)); diff != "" {
					t.Errorf("stored although it was not recorded (-before +now)\n%s", diff)
				}
			})
		})
	}
}

// contents are the rows that changes touch, as text.
func contents(t *testing.T, db *sqlx.DB) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, table := range []string{"subscription", "target", "repository", "endpoint", "delivery", "bundle", "bundle_version", "acceptance", "feed", "data_build", "token", "source"} {
		rows, err := db.Queryx("SELECT * FROM " + table)
		check(t, err)
		for rows.Next() {
			values, err := rows.SliceScan()
			check(t, err)
			found[table] = append(found[table], fmt.Sprint(values...))
		}
		check(t, rows.Err())
		rows.Close()
	}
	return found
}

// TestUnnotedChangesAreRefused: what forgets the audit trail does not change anything for
// somebody.
func TestUnnotedChangesAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := audit.As(t.Context(), ada)
		check(t, s.SaveEndpoint(ctx, hook(), at(0)))
		disabled := delivery.EndpointState{Disabled: true}
		if err := s.SetEndpointState(ctx, "hook", disabled); err == nil || !strings.Contains(err.Error(), "audit trail") {
			t.Errorf("as somebody: %v", err)
		}
		if e := must[endpoint.Endpoint](t)(s.Endpoint(ctx, "hook")); e.State.Disabled {
			t.Error("the change was made")
		}
		check(t, s.SetEndpointState(t.Context(), "hook", disabled)) // as Tagwatch does itself
	})
}

// TestChangesAreAll: every method of the store that the command line and the operations
// call and that changes something is among the changes, and so are those that they have
// workflows call.
func TestChangesAreAll(t *testing.T) {
	known := map[string]bool{}
	for _, c := range changes(t) {
		known[c.method] = true
	}
	writing := map[string]bool{}
	parsed(t, ".", func(file *ast.File) {
		for _, declared := range file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if ok && function.Recv != nil && function.Name.IsExported() && calls(function, "change") {
				writing[function.Name.Name] = true
			}
		}
	})
	if !writing["SaveEndpoint"] || !writing["Accept"] {
		t.Fatalf("found only %v", writing)
	}
	used := 0
	for _, folder := range []string{"../../operations", "../../starter"} {
		parsed(t, folder, func(file *ast.File) {
			ast.Inspect(file, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok {
					return true
				}
				if selected, ok := call.Fun.(*ast.SelectorExpr); ok && writing[selected.Sel.Name] {
					if used++; !known[selected.Sel.Name] {
						t.Errorf("%s changes something for somebody and is not among the changes", selected.Sel.Name)
					}
				}
				return true
			})
		})
	}
	if used < 10 {
		t.Errorf("found only %d calls", used)
	}
}

func parsed(t *testing.T, folder string, each func(*ast.File)) {
	t.Helper()
	check(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err == nil {
			each(file)
		}
		return err
	}))
}

func calls(function *ast.FuncDecl, name string) (found bool) {
	ast.Inspect(function.Body, func(node ast.Node) bool {
		selected, ok := node.(*ast.SelectorExpr)
		found = found || ok && (selected.Sel.Name == name || selected.Sel.Name == "changeAcceptance")
		return true
	})
	return found
}

func TestAuditFilter(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		bob := audit.Actor{Name: "bob", Via: audit.API}
		web, arm := target(t, "quay.io/team/web:1.0"), target(t, "quay.io/team/web:1.0@linux/arm64")
		for i, each := range []struct {
			by audit.Actor
			of image.Target
		}{{ada, web}, {bob, arm}, {ada, target(t, "quay.io/team/web:1.0A")}} {
			check(t, s.Subscribe(audit.As(ctx, each.by), []subscription.Subscription{newSubscription(each.of, notification.TagUpdate)}, 0, at(i)))
		}
		for name, test := range map[string]struct {
			filter audit.Filter
			want   []string
		}{
			"all":     {audit.Filter{}, []string{"quay.io/team/web:1.0A", "quay.io/team/web:1.0@linux/arm64", "quay.io/team/web:1.0"}},
			"since":   {audit.Filter{Since: at(2)}, []string{"quay.io/team/web:1.0A"}},
			"who":     {audit.Filter{Who: "bob"}, []string{"quay.io/team/web:1.0@linux/arm64"}},
			"subject": {audit.Filter{Subject: "quay.io/team/web:1.0"}, []string{"quay.io/team/web:1.0@linux/arm64", "quay.io/team/web:1.0"}},
			"limit":   {audit.Filter{Limit: 1}, []string{"quay.io/team/web:1.0A"}},
			"nobody":  {audit.Filter{Who: "eve"}, nil},
		} {
			var got []string
			for _, e := range must[[]audit.Entry](t)(s.Audit(ctx, test.filter)) {
				got = append(got, e.Subject)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", name, diff)
			}
		}
		newest := must[[]audit.Entry](t)(s.Audit(ctx, audit.Filter{Limit: 1}))[0]
		if rest := must[[]audit.Entry](t)(s.Audit(ctx, audit.Filter{Before: newest.ID})); len(rest) != 2 {
			t.Errorf("before the newest: %+v", rest)
		}
		if removed, err := s.PruneAudit(ctx, at(1)); err != nil || removed != 1 {
			t.Errorf("pruned %d, %v", removed, err)
		}
		if left := trailOf(t, s); len(left) != 2 || left[1].Actor != bob {
			t.Errorf("left %+v", left)
		}
	})
}
