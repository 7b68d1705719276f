package doctor

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
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
	"github.com/tagwatch/tagwatch/workflows"
)

// registryState is how one registry and its tags do.
type registryState struct {
	tags, failing int
	unreachable   *condition.Problem // nil for a registry that responds
	looked        time.Time          // last success of any tag
	polled        workflows.RegistryState
}

func (r *registryState) add(summary watch.Summary) {
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
	if e.Stored == nil {
		return
	}
	summaries, err := e.Stored.Summaries(ctx, subscription.TargetFilter{})
	if e.unread(subject, err) {
		return
	}
	states := map[string]*registryState{}
	var hosts []string
	for _, summary := range summaries {
		host := summary.Target.Reference.Registry
		if states[host] == nil {
			states[host] = &registryState{}
			hosts = append(hosts, host)
		}
		states[host].add(summary)
	}
	slices.Sort(hosts)
	unreachable, err := e.Stored.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.Unreachable}})
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
		e.ok(subject, "no tag is watched yet; start with: tagwatch subscribe REF")
	}
}

// polls asks the poller of each registry, until one does not answer.
func (e *examination) polls(ctx context.Context, hosts []string, states map[string]*registryState) {
	if e.Linked == nil {
		return // reported above
	}
	for _, host := range hosts {
		asked, cancel := context.WithTimeout(ctx, session.QueryTimeout)
		state, err := e.Linked.Client.RegistryStatus(asked, host)
		cancel()
		states[host].polled = state
		if err != nil && !errors.Is(err, errkind.NotFound) { // it may not have been polled so far
			e.warn("registries", "check above that workers serve watching", "cannot check whether registries respond: %s", exit.Sentence(err))
			return
		}
	}
}

func (e *examination) registry(host string, state *registryState) {
	const subject = "registries"
	switch remedy := "test it from a worker: tagwatch registry check " + host; {
	case state.unreachable != nil:
		e.warn(subject, remedy, "%s has not responded to the workers since %s: %s", host, e.When(state.unreachable.Since), state.unreachable.Message)
	case state.failing > 0:
		e.warn(subject, "list them: tagwatch status --failing --registry "+host, "%s: %d of %s have a problem", host, state.failing, wording.Count(state.tags, "tag"))
	default:
		e.ok(subject, "%s: %s, last resync %s", host, wording.Count(state.tags, "tag"), e.Ago(state.looked))
	}
}

// refusedSettings tells once what workers say of several registries.
func (e *examination) refusedSettings(hosts []string, states map[string]*registryState) {
	var notified []string
	for _, host := range hosts {
		refused := states[host].polled.Last.RateLimit.Refused
		if refused == "" || slices.Contains(notified, refused) {
			continue
		}
		notified = append(notified, refused)
		e.warn("registries", "fix the registries file, it is reloaded automatically; check it with: tagwatch registry check "+host,
			"changed registry settings are invalid, the previous ones stay in effect: %s", refused)
	}
}
