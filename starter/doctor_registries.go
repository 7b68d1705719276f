package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// registryState is how one registry and its tags do.
type registryState struct {
	tags, failing int
	unreachable   string    // the last message of a registry that does not answer
	looked        time.Time // last success of any tag
	polled        registryView
}

func (r *registryState) add(summary watch.Summary) {
	r.tags++
	if summary.Checked.After(r.looked) {
		r.looked = summary.Checked
	}
	if summary.Problem == nil {
		return
	}
	r.failing++
	if summary.Problem.Stage == watch.StageResolve && summary.Problem.Kind == errkind.Name(errkind.Unavailable) {
		r.unreachable = summary.Problem.Message
	}
}

// registries looks at how the tags of each do, and at what the last poll saw.
func (e *examination) registries(ctx context.Context) {
	const subject = "registries"
	if e.stored == nil {
		return
	}
	summaries, err := e.stored.Summaries(ctx, watch.TargetFilter{})
	if err != nil {
		e.fail(subject, "see the database", "%s", errkind.Text(err))
		return
	}
	states := map[string]*registryState{}
	var hosts []string
	for _, summary := range summaries {
		host := summary.Target.Reference.Registry
		if states[host] == nil {
			states[host] = &registryState{polled: registryView{Registry: host}}
			hosts = append(hosts, host)
		}
		states[host].add(summary)
	}
	slices.Sort(hosts)
	e.polls(ctx, hosts, states)
	for _, host := range hosts {
		e.registry(host, states[host])
	}
	e.refusedSettings(hosts, states)
	if len(hosts) == 0 {
		e.ok(subject, "no tag is watched yet; begin with: tagwatch subscribe REF")
	}
}

// polls asks the poller of each registry, until one does not answer.
func (e *examination) polls(ctx context.Context, hosts []string, states map[string]*registryState) {
	if e.linked == nil {
		return // notified already
	}
	for _, host := range hosts {
		asked, cancel := context.WithTimeout(ctx, queryTimeout)
		err := e.askPoller(asked, e.linked, &states[host].polled)
		cancel()
		if err != nil && !errors.Is(err, errkind.NotFound) { // it may not have been polled so far
			e.warn("registries", "see above whether workers serve watching", "whether registries answer now is not known: %s", sentence(err))
			return
		}
	}
}

func (e *examination) registry(host string, state *registryState) {
	const subject = "registries"
	switch remedy := "have a worker try it: tagwatch registry check " + host; {
	case state.polled.Problem != nil:
		e.warn(subject, remedy, "%s has not answered the workers since %s: %s", host, e.when(state.polled.Problem.Since), state.polled.Problem.Message)
	case state.unreachable != "":
		e.warn(subject, remedy, "%s does not answer the workers: %s", host, state.unreachable)
	case state.failing > 0:
		e.warn(subject, "see which and why: tagwatch status --failing --registry "+host, "%s: %d of %s cannot be followed", host, state.failing, number(state.tags, "tag"))
	default:
		e.ok(subject, "%s: %s, the last full pass %s", host, number(state.tags, "tag"), e.ago(state.looked))
	}
}

// refusedSettings tells once what workers say of several registries.
func (e *examination) refusedSettings(hosts []string, states map[string]*registryState) {
	var notified []string
	for _, host := range hosts {
		refused := states[host].polled.RateLimit.Refused
		if refused == "" || slices.Contains(notified, refused) {
			continue
		}
		notified = append(notified, refused)
		e.warn("registries", "correct the file, it is read again by itself; see it with: tagwatch registry check "+host,
			"changed settings are refused and earlier ones in force: %s", refused)
	}
}
