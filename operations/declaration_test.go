package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/token"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// errDied stands for a command that is killed.
var errDied = errors.New("the command was killed")

// installation is a store and workers that share its fate: with at, the command is killed
// at its at-th write, before it or after it.
type installation struct {
	*store.Store
	t       *testing.T
	at      int
	after   bool
	writes  int
	refuses string // a tag that the registry does not have
	silent  string // a tag whose registry does not respond
	unread  error  // why a worker does not read a source
	hurried bool   // each request has time for one step
	rounds  int
	woken   []string // what wakes were for
	passed  time.Time
	takes   time.Duration // to subscribe to a page
	pages   []int         // how many tags were subscribed to at once
}

// install makes an installation, which ends with the test that it is made for.
type install func(*testing.T) *installation

// onEach runs a test on each database.
func onEach(t *testing.T, test func(*testing.T, install)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, open func(testing.TB) *store.Store) {
		test(t, func(t *testing.T) *installation { return &installation{Store: open(t), t: t} })
	})
}

func (i *installation) write(do func() error) error {
	i.writes++
	if i.at != 0 && (i.writes > i.at || i.writes == i.at && !i.after) {
		return errDied
	}
	if err := do(); err != nil || i.writes != i.at {
		return err
	}
	return errDied
}

func (i *installation) Claim(ctx context.Context, owner string, things []declaration.Key, now time.Time) error {
	return i.write(func() error { return i.Store.Claim(ctx, owner, things, now) })
}

func (i *installation) SaveEndpoint(ctx context.Context, e endpoint.Endpoint, now time.Time) error {
	return i.write(func() error { return i.Store.SaveEndpoint(ctx, e, now) })
}

func (i *installation) DeleteEndpoint(ctx context.Context, name string, now time.Time) error {
	return i.write(func() error { return i.Store.DeleteEndpoint(ctx, name, now) })
}

func (i *installation) SaveBundle(ctx context.Context, b policy.StoredBundle, now time.Time) error {
	return i.write(func() error { return i.Store.SaveBundle(ctx, b, now) })
}

func (i *installation) DeleteBundle(ctx context.Context, id string, now time.Time) error {
	return i.write(func() error { return i.Store.DeleteBundle(ctx, id, now) })
}

func (i *installation) Accept(ctx context.Context, accepted []acceptance.Acceptance) (stored []acceptance.Acceptance, err error) {
	err = i.write(func() (err error) { stored, err = i.Store.Accept(ctx, accepted); return err })
	return stored, err
}

func (i *installation) ExtendAcceptance(ctx context.Context, id int64, until time.Time, by string, now time.Time) (a acceptance.Acceptance, err error) {
	err = i.write(func() (err error) { a, err = i.Store.ExtendAcceptance(ctx, id, until, by, now); return err })
	return a, err
}

func (i *installation) RevokeAcceptance(ctx context.Context, id int64, by string, now time.Time) (a acceptance.Acceptance, err error) {
	err = i.write(func() (err error) { a, err = i.Store.RevokeAcceptance(ctx, id, by, now); return err })
	return a, err
}

func (i *installation) SaveRepository(ctx context.Context, r taglist.Repository, now time.Time) error {
	return i.write(func() error { return i.Store.SaveRepository(ctx, r, now) })
}

func (i *installation) UnwatchTags(ctx context.Context, name image.Repository, now time.Time) (ended []image.Target, err error) {
	err = i.write(func() (err error) { ended, err = i.Store.UnwatchTags(ctx, name, now); return err })
	return ended, err
}

func (i *installation) DeleteRepository(ctx context.Context, name image.Repository, now time.Time) error {
	return i.write(func() error { return i.Store.DeleteRepository(ctx, name, now) })
}

func (i *installation) SaveSource(ctx context.Context, s source.Source, now time.Time) error {
	return i.write(func() error { return i.Store.SaveSource(ctx, s, now) })
}

func (i *installation) DeleteSource(ctx context.Context, name string, now time.Time) (ended []image.Target, err error) {
	err = i.write(func() (err error) { ended, err = i.Store.DeleteSource(ctx, name, now); return err })
	return ended, err
}

func (i *installation) UnsubscribeAll(ctx context.Context, ends []subscription.End, now time.Time) error {
	return i.write(func() error { return i.Store.UnsubscribeAll(ctx, ends, now) })
}

func (i *installation) subscribe(ctx context.Context, request subscription.Request) (results []subscription.Result, err error) {
	i.passed, i.pages = i.passed.Add(i.takes), append(i.pages, len(request.Targets))
	err = i.write(func() error {
		endpoints, err := i.Endpoints(ctx)
		if err == nil {
			err = request.Validate(endpoints)
		}
		if err != nil {
			return err
		}
		for _, target := range request.Targets {
			if target.String() == i.silent {
				return fromWorkers(fmt.Errorf("resolve %s: no response: %w", target, errkind.Unavailable))
			}
		}
		var accepted []image.Target
		for _, target := range request.Targets {
			result := subscription.Result{Target: target}
			if target.String() == i.refuses {
				result.Refused = &condition.Problem{Kind: errkind.Name(errkind.NotFound), Message: "the tag does not exist"}
			} else {
				accepted = append(accepted, target)
			}
			results = append(results, result)
		}
		return i.Store.Subscribe(ctx, request.Subscriptions(accepted), request.Poll, noon)
	})
	return results, err
}

func (i *installation) readSource(_ context.Context, asked source.Source) (source.Plan, error) {
	if i.unread != nil {
		return source.Plan{}, i.unread
	}
	return source.Plan{}, asked.Validate(nil)
}

func (i *installation) activate(ctx context.Context, bundle string) (Task, error) {
	return Task{}, i.write(func() error { _, err := i.ActivateBundle(ctx, bundle, noon); return err })
}

func (i *installation) evaluateAcceptances(context.Context) (Task, error) {
	return Task{}, i.write(func() error { return nil })
}

func (i *installation) wake(_ context.Context, doing string, _ func(context.Context, client.Client) error) {
	i.woken = append(i.woken, doing)
}

func (i *installation) system() *System {
	return &System{Store: func(context.Context) (*store.Store, error) { return i.Store, nil }, Now: noon, Scope: token.Admin}
}

func (i *installation) plan(document string, o declaration.Options) (declaration.Plan, error) {
	request := Declaration{Files: []DeclarationFile{{Name: "doc.yaml", Content: document}}, Prune: o.Prune, Adopt: o.Adopt}
	return planDeclaration(i.t.Context(), i.system(), request)
}

// round carries out one request to apply a plan.
func (i *installation) round(plan declaration.Plan) (AppliedDeclaration, error) {
	var done AppliedDeclaration
	err := declaring{i, i, plan, "ann", noon, func() bool { return i.hurried }, func() time.Time { return i.passed }, &done}.run(audit.As(i.t.Context(), audit.Actor{Name: "ann", Via: audit.API}))
	return done, err
}

// apply applies a document as its sender does, and returns how many things changed, and how
// many failed.
func (i *installation) apply(document string, o declaration.Options) (done, failed int, err error) {
	refused := map[declaration.Key]bool{}
	for {
		plan, err := i.plan(document, o)
		if err != nil {
			return done, failed, err
		}
		plan.Changes = slices.DeleteFunc(plan.Changes, func(c declaration.Change) bool {
			return refused[c.Key] || len(refused) > 0 && c.Action == declaration.Delete
		})
		round, err := i.round(plan)
		done, failed = done+len(round.Applied), failed+len(round.Refused)
		for _, u := range round.Refused {
			refused[u.Key] = true
		}
		if err != nil || !round.More {
			return done, failed, err
		}
		if len(round.Applied)+len(round.Refused) == 0 && round.Task == nil && !i.hurried {
			i.t.Fatal("a round changed nothing")
		}
		if i.rounds++; i.rounds > 1000 {
			i.t.Fatal("it does not end")
		}
	}
}

func (i *installation) mustApply(document string) {
	i.t.Helper()
	if _, failed, err := i.apply(document, pruning); err != nil || failed > 0 {
		i.t.Fatalf("%d failed, %v", failed, err)
	}
}

func (i *installation) exported(owner string) string {
	i.t.Helper()
	exported, err := ExportDeclaration.Run(i.t.Context(), i.system(), DeclarationOwner{owner})
	if err != nil {
		i.t.Fatal(err)
	}
	return asYAML(i.t, exported.Document)
}

func asYAML(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	out, err := yaml.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

var pruning = declaration.Options{Prune: true}

const first = `
owner: web
endpoints:
  - {name: ops, url: 'https://ops.example.com/hook', timeout: 20s, digest: 10m, password: env:PASSWORD, user: u}
  - {name: chat, url: env:CHAT_URL, format: slack, types: [policy_eval]}
policies:
  - bundle: {id: strict, name: strict, version: "1_0", policies: [], whitelists: [], mappings: []}
    active: true
  - bundle: {id: other, name: other, version: "1_0", policies: [], whitelists: [], mappings: []}
acceptances:
  - {vulnerability: CVE-2026-0001, until: fixed, reason: no fix}
  - {vulnerability: CVE-2026-0002, package: openssl, subject: 'ghcr.io/web/*', until: 2027-01-31, reason: not reachable, owner: web}
repositories:
  - {name: redis, platforms: [linux/arm64], interval: 5m, list_interval: 1h, filter: {semver: '>=7', newest: 3, always: [latest]}, options: {endpoints: [ops]}}
  - {name: ghcr.io/web/shop, types: [tag_update]}
sources:
  - {name: list, kind: file, paths: [/srv/images.txt], types: [vuln_update], max_tags: 10}
subscriptions:
  - tags: [nginx:1.27, 'ghcr.io/web/app:1@linux/arm64']
    interval: 5m
    options: {endpoints: [ops, chat], min_severity: High}
  - {tags: [redis:7], types: [tag_update]}
  - {tags: [redis:7], types: [vuln_update], options: {fixable_only: true}}
  - {tags: ['busybox:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'], types: [tag_update], options: {labels: {team: web}}}
`

// second differs from first in something of each kind.
const second = `
owner: web
endpoints:
  - {name: ops, url: 'https://ops.example.com/other', timeout: 20s}
policies:
  - bundle: {id: other, name: renamed, version: "1_0", policies: [], whitelists: [], mappings: []}
    active: true
acceptances:
  - {vulnerability: CVE-2026-0001, until: 2027-03-01, reason: no fix}
  - {vulnerability: CVE-2026-0002, package: openssl, subject: 'ghcr.io/web/*', until: 2027-01-31, reason: mitigated, owner: web}
  - {vulnerability: CVE-2026-0003, until: fixed, reason: new}
repositories:
  - {name: redis, filter: {newest: 5}}
subscriptions:
  - {tags: [nginx:1.27], types: [vuln_update, policy_eval], interval: 1m}
  - {tags: [redis:7], types: [tag_update]}
  - {tags: [alpine:3], options: {endpoints: [ops]}}
`

// changing are the changes of a plan that change anything.
func changing(plan declaration.Plan) (changes []declaration.Change) {
	for _, c := range plan.Changes {
		if c.Action != declaration.Unchanged {
			changes = append(changes, c)
		}
	}
	return changes
}

func TestApplyTwice(t *testing.T) { onEach(t, applyTwice) }

func applyTwice(t *testing.T, install install) {
	i := install(t)
	for n, document := range []string{first, second, first, second} {
		i.hurried = n%2 == 1
		i.mustApply(document)
		plan, err := i.plan(document, pruning)
		if err != nil || !plan.Empty() {
			t.Fatalf("still to change: %s, %v", asYAML(t, changing(plan)), err)
		}
	}
}

func TestExportAppliedToAnEmptyInstallation(t *testing.T) {
	onEach(t, exportAppliedToAnEmptyInstallation)
}

func exportAppliedToAnEmptyInstallation(t *testing.T, install install) {
	from, to := install(t), install(t)
	from.mustApply(first)
	exported := from.exported("web")
	to.mustApply(exported)
	if diff := cmp.Diff(exported, to.exported("web")); diff != "" {
		t.Errorf("exported (-from +to)\n%s", diff)
	}
	if plan, err := to.plan(first, pruning); err != nil || !plan.Empty() {
		t.Errorf("the document itself would change %s, %v", asYAML(t, changing(plan)), err)
	}
}

// TestApplyKilledAtEveryWrite goes from one document to another, is killed at each write,
// and applies the document again: the end is always the document's.
func TestApplyKilledAtEveryWrite(t *testing.T) { onEach(t, applyKilledAtEveryWrite) }

func applyKilledAtEveryWrite(t *testing.T, install install) {
	want, i := install(t), install(t)
	want.mustApply(second)
	for _, after := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			i.mustApply(first)
			i.writes, i.at, i.after = 0, at, after
			_, _, err := i.apply(second, pruning)
			if more = errors.Is(err, errDied); !more && err != nil {
				t.Fatal(err)
			}
			i.at = 0
			i.mustApply(second)
			if diff := cmp.Diff(want.exported("web"), i.exported("web")); diff != "" {
				t.Fatalf("killed at write %d (after %t): exported (-want +got)\n%s", at, after, diff)
			}
			if plan, err := i.plan(second, pruning); err != nil || !plan.Empty() {
				t.Fatalf("killed at write %d (after %t): still to change %s, %v", at, after, asYAML(t, changing(plan)), err)
			}
		}
	}
}

// TestRefusedIsNobodys: what could not be made does not belong to the owner, so that it does
// not delete what somebody makes of that name by hand.
func TestRefusedIsNobodys(t *testing.T) { onEach(t, refusedIsNobodys) }

func refusedIsNobodys(t *testing.T, install install) {
	i := install(t)
	i.refuses = "docker.io/none:1"
	if _, failed, err := i.apply("owner: web\nsubscriptions:\n- tags: [alpine:3, none:1]", pruning); failed != 1 || err != nil {
		t.Fatalf("%d failed, %v", failed, err)
	}
	target, err := image.ParseTarget(i.refuses)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Store.Subscribe(t.Context(), subscription.Request{Targets: []image.Target{target}, Types: notification.DefaultTypes}.Subscriptions([]image.Target{target}), 0, noon); err != nil {
		t.Fatal(err)
	}
	if plan, err := i.plan("owner: web\nsubscriptions:\n- tags: [alpine:3]", pruning); err != nil || !plan.Empty() {
		t.Errorf("it would change %s, %v", asYAML(t, changing(plan)), err)
	}
}

// TestTwoOwnersAtOnce lets several owners apply documents that share one thing: one gets
// it, and the others change nothing at all.
func TestTwoOwnersAtOnce(t *testing.T) { onEach(t, twoOwnersAtOnce) }

func twoOwnersAtOnce(t *testing.T, install install) {
	i := install(t)
	const owners = 6
	errs := make([]error, owners)
	plans := make([]declaration.Plan, owners)
	for n := range owners {
		document := fmt.Sprintf("owner: o%d\nendpoints: [{name: own%d, url: 'https://a.example.com'}]\nsubscriptions: [{tags: ['shared:1', 'own%d:1']}]\n", n, n, n)
		var err error
		if plans[n], err = i.plan(document, pruning); err != nil { // all before any is applied
			t.Fatal(err)
		}
	}
	var running sync.WaitGroup
	for n := range owners {
		running.Go(func() {
			own := &installation{Store: i.Store, t: t}
			_, errs[n] = own.round(plans[n])
		})
	}
	running.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, errkind.Conflict) || !strings.Contains(err.Error(), `subscription docker.io/library/shared:1 belongs to owner "o`):
			t.Errorf("error %v", err)
		}
	}
	endpoints, err := i.Endpoints(t.Context())
	if err != nil || won != 1 || len(endpoints) != 1 {
		t.Errorf("%d owners won, with endpoints %v, %v", won, endpoints, err)
	}
}

// TestByHand leaves alone what somebody made, until it is adopted.
func TestByHand(t *testing.T) { onEach(t, byHand) }

func byHand(t *testing.T, install install) {
	i := install(t)
	ctx := t.Context()
	mine := endpoint.Endpoint{Name: "ops", URL: "https://mine.example.com"}
	if err := i.Store.SaveEndpoint(ctx, mine, noon); err != nil {
		t.Fatal(err)
	}
	const document = "owner: web\nendpoints: [{name: ops, url: 'https://ops.example.com'}]\n"
	i.mustApply(document)
	if kept, err := i.Endpoint(ctx, "ops"); err != nil || kept.URL != mine.URL {
		t.Errorf("%+v, %v", kept, err)
	}
	i.mustApply("owner: web\n") // nor is it pruned
	if _, failed, err := i.apply(document, declaration.Options{Adopt: true}); err != nil || failed > 0 {
		t.Fatal(failed, err)
	}
	if kept, err := i.Endpoint(ctx, "ops"); err != nil || kept.URL != "https://ops.example.com" {
		t.Errorf("%+v, %v", kept, err)
	}
	i.mustApply("owner: web\n")
	if _, err := i.Endpoint(ctx, "ops"); !errors.Is(err, errkind.NotFound) {
		t.Errorf("after pruning: %v", err)
	}
}

// TestRefusedTag reports a tag that does not exist; the others are subscribed to, and
// nothing is deleted.
func TestRefusedTag(t *testing.T) { onEach(t, refusedTag) }

func refusedTag(t *testing.T, install install) {
	i := install(t)
	i.mustApply("owner: web\nsubscriptions: [{tags: [old:1]}]\n")
	i.refuses = "docker.io/missing:1"
	const document = "owner: web\nsubscriptions: [{tags: [missing:1, new:1]}]\n"
	i.hurried = true
	if done, failed, err := i.apply(document, pruning); done != 1 || failed != 1 || err != nil {
		t.Errorf("%d done, %d failed, %v", done, failed, err)
	}
	if got := i.exported("web"); !strings.Contains(got, "new:1") || !strings.Contains(got, "old:1") || strings.Contains(got, "missing:1") {
		t.Errorf("exported\n%s", got)
	}
	i.refuses = ""
	i.mustApply(document)
	if got := i.exported("web"); strings.Contains(got, "old:1") || !strings.Contains(got, "missing:1") {
		t.Errorf("exported\n%s", got)
	}
}

// TestUnreadableSource: a source that no worker can read is refused with its place, before
// anything is changed; its endpoints may be those of the document.
func TestUnreadableSource(t *testing.T) { onEach(t, unreadableSource) }

func unreadableSource(t *testing.T, install install) {
	i := install(t)
	const document = "owner: web\nendpoints: [{name: ops, url: 'https://ops.example.com'}]\nsources:\n" +
		"  - {name: far, kind: file, paths: [/etc/passwd]}\n  - {name: near, kind: file, paths: [/srv/list], options: {endpoints: [ops]}}\n"
	for refused, want := range map[error]string{
		fmt.Errorf("not below a path: %w", errkind.Unauthorized): "doc.yaml:4: source far: not below a path\ndoc.yaml:5: source near: not below a path",
		fmt.Errorf("no response: %w", errkind.Unavailable):       "doc.yaml:4: source far: no response",
	} {
		i.unread = refused
		done, failed, err := i.apply(document, pruning)
		if err == nil || !strings.HasPrefix(err.Error(), want) || done+failed > 0 || i.writes > 0 {
			t.Errorf("%d done, %d failed, %d writes, %v; want %s", done, failed, i.writes, err, want)
		}
	}
	i.unread = nil
	i.mustApply(document)
	i.unread = errDied // what is as declared is not read again
	i.mustApply(document)
}

// TestSilentRegistry: what is done until a registry does not respond is reported, and so is
// the place of the tag.
func TestSilentRegistry(t *testing.T) { onEach(t, silentRegistry) }

func silentRegistry(t *testing.T, install install) {
	i := install(t)
	i.silent = "docker.io/b:1.2"
	const document = "owner: web\nendpoints: [{name: ops, url: 'https://ops.example.com'}]\nsubscriptions:\n" +
		"  - {tags: [a:1], types: [tag_update]}\n  - tags:\n      - b:1\n      - b:1.2\n"
	plan, err := i.plan(document, pruning)
	if err != nil {
		t.Fatal(err)
	}
	round, err := i.round(plan)
	if err != nil || round.Stopped == nil {
		t.Fatalf("%+v, %v", round, err)
	}
	want := []declaration.Key{{Kind: declaration.OfEndpoint, Name: "ops"}, {Kind: declaration.OfSubscription, Name: "docker.io/library/a:1"}}
	if diff := cmp.Diff(want, round.Applied); diff != "" || round.More || len(round.Refused) > 0 {
		t.Errorf("%+v, applied (-want +got)\n%s", round, diff)
	}
	stopped := fmt.Sprint(round.Stopped.Place, " ", round.Stopped.Name, " ", round.Stopped.Problem.Kind)
	if want := "doc.yaml:7 docker.io/library/b:1.2 Unavailable"; stopped != want {
		t.Errorf("stopped at %s, want %s", stopped, want)
	}
}
