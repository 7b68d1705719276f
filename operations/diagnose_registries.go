package operations

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/workflows"
)

// examinedRegistry is how one registry and its tags do.
type examinedRegistry struct {
	tags, failing int
	unreachable   *condition.Problem // nil for a registry that responds
	looked        time.Time          // last success of any tag
	polled        workflows.RegistryState
}

func (r *examinedRegistry) add(summary watch.Summary) {
	r.tags++
	if summary.Checked.After(r.looked) {
		r.looked = summary.Checked
	}
	if summary.Problem != nil {
		r.failing++
	}
}

// registries looks at how the tags of each do, and at what the last poll saw.
func (e *examination) registries(ctx context.Context) {
	const subject = "registries"
	if e.stored == nil {
		return
	}
	summaries, err := e.stored.Summaries(ctx, subscription.TargetFilter{})
	if e.unread(subject, err) {
		return
	}
	states := map[string]*examinedRegistry{}
	var hosts []string
	for _, summary := range summaries {
		host := summary.Target.Reference.Registry
		if states[host] == nil {
			states[host] = &examinedRegistry{}
			hosts = append(hosts, host)
		}
		states[host].add(summary)
	}
	slices.Sort(hosts)
	unreachable, err := e.stored.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.Unreachable}})
	if e.unread(subject, err) {
		return
	}
	for _, c := range condition.Confirmed(unreachable) {
		if state := states[c.Name]; state != nil {
			state.unreachable = condition.ProblemOf(c)
		}
	}
	e.polls(ctx, hosts, states)
	for _, host := range hosts {
		e.registry(host, states[host])
	}
	e.refusedSettings(hosts, states)
	if len(hosts) == 0 {
		e.OK(subject, "no tag is watched yet; start with: tagwatch subscribe REF")
	}
}

// polls asks the poller of each registry, until one does not answer.
func (e *examination) polls(ctx context.Context, hosts []string, states map[string]*examinedRegistry) {
	if e.linked == nil {
		return // reported above
	}
	for _, host := range hosts {
		asked, cancel := context.WithTimeout(ctx, queryTimeout)
		state, err := e.linked.RegistryStatus(asked, host)
		cancel()
		states[host].polled = state
		if err != nil && !errors.Is(err, errkind.NotFound) { // it may not have been polled so far
			e.Warn("registries", "check above that workers serve watching", "cannot check whether registries respond: %s", e.textOf(err))
			return
		}
	}
}

func (e *examination) registry(host string, state *examinedRegistry) {
	const subject = "registries"
	switch remedy := "test it from a worker: tagwatch registry check " + host; {
	case state.unreachable != nil:
		e.Warn(subject, remedy, "%s has not responded to the workers since %s: %s", host, e.when(state.unreachable.Since), state.unreachable.Message)
	case state.failing > 0:
		e.Warn(subject, "list them: tagwatch status --failing --registry "+host, "%s: %d of %s have a problem", host, state.failing, wording.Count(state.tags, "tag"))
	default:
		e.OK(subject, "%s: %s, last resync %s", host, wording.Count(state.tags, "tag"), e.ago(state.looked))
	}
}

// refusedSettings tells once what workers say of several registries.
func (e *examination) refusedSettings(hosts []string, states map[string]*examinedRegistry) {
	var notified []string
	for _, host := range hosts {
		refused := states[host].polled.Last.RateLimit.Refused
		if refused == "" || slices.Contains(notified, refused) {
			continue
		}
		notified = append(notified, refused)
		e.Warn("registries", "fix the registries file, it is reloaded automatically; check it with: tagwatch registry check "+host,
			"changed registry settings are invalid, the previous ones stay in effect: %s", refused)
	}
}

// sources lists those that cannot be read, or that wait to be confirmed.
func (e *examination) sources(ctx context.Context) {
	const subject = "sources"
	if e.stored == nil {
		return // reported above
	}
	list, err := e.stored.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.Unreadable}})
	if e.unread(subject, err) {
		return
	}
	for _, f := range condition.Confirmed(list) {
		advice := "correct the source or its settings: tagwatch source show " + f.Name
		if f.Step == string(condition.StageConfirm) {
			advice = "see tagwatch source show " + f.Name + "; if that is right: tagwatch source confirm " + f.Name
		}
		e.Fail(subject, advice, "source %s is not followed since %s: %s", f.Name, e.when(f.Since), f.Message)
	}
	waiting, err := e.stored.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.Unidentified}})
	if e.unread(subject, err) {
		return
	}
	for _, f := range condition.Confirmed(waiting) {
		e.Warn(subject, "let Tagwatch read the image from its registry; a wait ends when the image does not run any more, too",
			"source %s has runtime_update notifications that wait since %s: %s", f.Name, e.when(f.Since), f.Message)
	}
	if len(condition.Confirmed(list))+len(condition.Confirmed(waiting)) > 0 {
		return
	}
	stored, err := e.stored.Sources(ctx)
	if !e.unread(subject, err) && len(stored) > 0 {
		e.OK(subject, "%d followed", len(stored))
	}
}

// failingShown bounds the list of what keeps failing.
const failingShown = 5

// failing lists whose steps keep failing.
func (e *examination) failing(ctx context.Context) {
	const subject = "steps"
	if e.stored == nil {
		return // reported above
	}
	list, err := e.stored.Conditions(ctx, condition.Scope{Kinds: condition.StepConditions})
	if e.unread(subject, err) {
		return
	}
	// What is silent has a cause that is listed by itself.
	list = slices.DeleteFunc(list, func(c condition.Condition) bool { return c.Notified.IsZero() })
	for i, f := range list {
		if i == failingShown {
			e.Fail(subject, "list all in the Web UI with the query TagwatchProblem IS NOT NULL AND TagwatchProblem != \"none\", tags also with: tagwatch status --failing",
				"%d more workflows have failing steps", len(list)-i)
			return
		}
		e.Fail(subject, "it is retried; see the workers' log and the workflow in the Web UI",
			"step %q of %s %s has been failing since %s: %s", f.Step, f.Resource, f.Name, e.when(f.Since), f.Message)
	}
	if len(list) == 0 {
		e.OK(subject, "no failing steps")
	}
}
