package operations

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// ListSources lists the sources, by name.
var ListSources = Operation[SourcesRequest, SourceList]{Name: "list-sources", Summary: "List the sources of tags",
	Method: http.MethodGet, Path: "/sources", Scope: token.Read, Whole: true, do: listSources}

// SourcesRequest asks for a page of the sources.
type SourcesRequest struct {
	Page
}

// SourceList is a page of sources.
type SourceList struct {
	Sources []Source `json:"sources"`
	Next    string   `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Source is a source and what came of it. Of what may be a secret, callers without the
// scope admin see that it is there: the path of the URL, and the values of variables.
type Source struct {
	source.Source
	// Tags are those that it brings, References all that were found in it.
	Tags       int       `json:"tags"`
	References int       `json:"references"`
	Checked    time.Time `json:"checked,omitzero"`
	Problem    *Problem  `json:"problem,omitempty"`
	// Waiting is why runtime_update notifications wait for what registries say.
	Waiting *Problem `json:"waiting,omitempty"`
	// Unconfirmed reports that more is gone at once than is believed: see confirm-source.
	Unconfirmed bool `json:"unconfirmed"`
}

// sourceOf is what the caller may see of a source.
func (s *System) sourceOf(stored source.Source, state source.State) Source {
	if !s.Scope.Allows(token.Admin) {
		stored = stored.Disclosed()
	}
	return Source{Source: stored, Tags: len(state.Members), References: len(state.Found), Checked: state.Checked, Problem: ProblemOf(state.Wrong()),
		Waiting:     ProblemOf(state.Waiting),
		Unconfirmed: state.Unconfirmed()}
}

func listSources(ctx context.Context, s *System, request SourcesRequest) (SourceList, error) {
	list := SourceList{Sources: []Source{}}
	kept, err := s.Store(ctx)
	if err != nil {
		return list, err
	}
	sources, err := kept.Sources(ctx)
	if err != nil {
		return list, err
	}
	sources, list.Next, err = partByName(request.Page, sources, func(each source.Source) string { return each.Name })
	if err != nil {
		return list, err
	}
	for _, each := range sources {
		_, state, err := kept.Source(ctx, each.Name)
		if errors.Is(err, errkind.NotFound) {
			continue // it was removed meanwhile
		}
		if err != nil {
			return list, err
		}
		list.Sources = append(list.Sources, s.sourceOf(each, state))
	}
	return list, nil
}

// ShowSource shows a source with every reference that was found in it.
var ShowSource = Operation[SourceRequest, SourceDetail]{Name: "show-source", Summary: "Show a source and what was found in it",
	Method: http.MethodGet, Path: "/sources/{name}", Scope: token.Read, Whole: true, do: showSource}

// SourceRequest names a source.
type SourceRequest struct {
	Name string `path:"name" maxLength:"63" doc:"Name of the source." example:"shop"`
}

// SourceDetail is a source with what was found in it at the last reading.
type SourceDetail struct {
	Source
	Edited
	Found []Reference `json:"found"`
	// Leaving are tags that the last reading lacked; their watch ends if the next does too.
	Leaving []image.Target `json:"leaving"`
}

// Reference is what became of one reference.
type Reference struct {
	source.Found
	// WatchedAs is the name by which its tag is watched; empty if it is not.
	WatchedAs string `json:"watched_as,omitempty"`
	// Problem is why what its tag points to cannot be read; missing if it can.
	Problem *Problem `json:"problem,omitempty"`
}

func showSource(ctx context.Context, s *System, request SourceRequest) (SourceDetail, error) {
	none := SourceDetail{}
	kept, stored, state, err := s.source(ctx, request.Name)
	if err != nil {
		return none, err
	}
	watched, err := kept.NamesInUse(ctx, state.Found)
	if err != nil {
		return none, err
	}
	unresolved, err := kept.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.Unresolved}, Resource: condition.Tag})
	if err != nil {
		return none, err
	}
	problems := map[string]*Problem{}
	for _, c := range condition.Confirmed(unresolved) {
		problems[c.Name] = ProblemOf(condition.ProblemOf(c))
	}
	detail := SourceDetail{Source: s.sourceOf(stored, state), Edited: Edited{state.Edition}, Found: []Reference{}, Leaving: []image.Target{}}
	for _, found := range state.Found {
		one := Reference{Found: found}
		if as, is := watched[source.Canonical(found.Target)]; is {
			one.WatchedAs = as.String()
			one.Problem = problems[one.WatchedAs]
		}
		detail.Found = append(detail.Found, one)
	}
	for _, member := range state.Members {
		if member.Missing > 0 {
			detail.Leaving = append(detail.Leaving, member.Target)
		}
	}
	return detail, nil
}

func (s *System) source(ctx context.Context, name string) (*store.Store, source.Source, source.State, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, source.Source{}, source.State{}, err
	}
	stored, state, err := kept.Source(ctx, name)
	return kept, stored, state, noSource(name, err)
}

func noSource(name string, err error) error {
	if errors.Is(err, errkind.NotFound) {
		return notFound("see: tagwatch source list", "source %q not found", name)
	}
	return err
}

// PlanSource has a worker read a source, and reports what it would bring.
var PlanSource = Operation[SourceSettings, source.Plan]{Name: "plan-source", Summary: "Report what a source would bring, without storing anything",
	Method: http.MethodPost, Path: "/sources/plan", Scope: token.Admin, Whole: true, do: planSource}

// SourceSettings are all settings of a source.
type SourceSettings struct {
	source.Source
}

// sourceTimeout is how long a worker may take to read a source.
const sourceTimeout = 5 * time.Minute

func planSource(ctx context.Context, s *System, request SourceSettings) (plan source.Plan, err error) {
	asked, _, err := s.sourceSettings(ctx, request)
	if err != nil {
		return plan, err
	}
	return s.readSource(ctx, asked)
}

// readSource has a worker read a source: only a worker knows what it may read and can. No
// source is stored without.
func (s *System) readSource(ctx context.Context, asked source.Source) (plan source.Plan, err error) {
	err = s.ask(ctx, "read source "+asked.Name, sourceTimeout, func(ctx context.Context, c client.Client) (err error) {
		plan, err = c.PlanSource(ctx, asked)
		return err
	})
	if plan.Found == nil {
		plan.Found = []source.Found{}
	}
	return plan, refused(err)
}

// sourceSettings are a request's, if they are valid.
func (s *System) sourceSettings(ctx context.Context, request SourceSettings) (asked source.Source, kept *store.Store, err error) {
	asked = request.Source
	if len(asked.Types) == 0 {
		asked.Types = notification.DefaultTypes
	}
	if kept, err = s.Store(ctx); err != nil {
		return asked, nil, err
	}
	endpoints, err := kept.Endpoints(ctx)
	if err == nil {
		err = refused(asked.Validate(endpoints))
	}
	return asked, kept, err
}

// SaveSource stores a source, or other settings of one, once a worker has read it.
var SaveSource = Operation[SourceChange, SavedSource]{Name: "save-source", Summary: "Add a source, or replace the settings of one",
	Method: http.MethodPost, Path: "/sources", Scope: token.Admin, Whole: true, Creates: true, do: saveSource}

// SourceChange is a source with all its settings.
type SourceChange struct {
	Conditional
	SourceSettings
}

// SavedSource is a source that was stored.
type SavedSource struct {
	Source
	// Plan is what it will bring, as a worker read it before it was stored.
	Plan source.Plan `json:"plan"`
}

func saveSource(ctx context.Context, s *System, request SourceChange) (saved SavedSource, err error) {
	asked, kept, err := s.sourceSettings(ctx, request.SourceSettings)
	if err != nil {
		return saved, err
	}
	if saved.Plan, err = s.readSource(ctx, asked); err != nil {
		return saved, err
	}
	if err := kept.Expecting(request.expected()).SaveSource(ctx, asked, s.Now); err != nil {
		return saved, changed("source "+asked.Name, err)
	}
	_, state, err := kept.Source(ctx, asked.Name)
	if err != nil {
		return saved, err
	}
	saved.Source = s.sourceOf(asked, state)
	return saved, s.wakeSource(ctx, asked.Name)
}

func (s *System) wakeSource(ctx context.Context, name string) error {
	return s.ask(ctx, "wake the workflow of source "+name, signalTimeout, func(ctx context.Context, c client.Client) error {
		return c.WakeSource(ctx, name, watcher.WakeSettings)
	})
}

// ConfirmSource has what is gone from a source end.
var ConfirmSource = Operation[SourceName, Source]{Name: "confirm-source", Summary: "Confirm that what is gone from a source is gone",
	Method: http.MethodPost, Path: "/sources/confirm", Scope: token.Admin, Whole: true, do: confirmSource}

// SourceName names a source.
type SourceName struct {
	Name string `json:"name" maxLength:"63" doc:"Name of the source." example:"shop"`
}

func confirmSource(ctx context.Context, s *System, request SourceName) (Source, error) {
	kept, stored, state, err := s.source(ctx, request.Name)
	if err != nil {
		return Source{}, err
	}
	if err := kept.ConfirmSource(ctx, request.Name, s.Now); err != nil {
		return Source{}, refused(err)
	}
	state.Confirmed = state.Doubt
	return s.sourceOf(stored, state), s.wakeSource(ctx, request.Name)
}

// RemoveSource removes a source and ends the subscriptions that it alone brought.
var RemoveSource = Operation[SourceRemoval, RemovedSource]{Name: "remove-source", Summary: "Remove a source, and end the subscriptions that it alone brought",
	Method: http.MethodDelete, Path: "/sources/{name}", Scope: token.Admin, Whole: true, do: removeSource}

// SourceRemoval names a source.
type SourceRemoval struct {
	Conditional
	SourceRequest
}

// RemovedSource is what was removed.
type RemovedSource struct {
	Name string `json:"name"`
	// Ended is how many tags it brought.
	Ended int `json:"ended"`
	// Delayed is why the workflows show it later only; what is stored counts.
	Delayed string `json:"delayed,omitempty"`
}

// wokenEnded is how many watchers are woken. The others notice the end of their
// subscriptions at their next resync.
const wokenEnded = 200

func removeSource(ctx context.Context, s *System, request SourceRemoval) (RemovedSource, error) {
	removed := RemovedSource{Name: request.Name}
	kept, _, _, err := s.source(ctx, request.Name)
	if err != nil {
		return removed, err
	}
	ended, err := kept.Expecting(request.expected()).DeleteSource(ctx, request.Name, s.Now)
	if err != nil {
		return removed, noSource(request.Name, changed("source "+request.Name, err))
	}
	removed.Ended = len(ended)
	err = s.wakeSource(ctx, request.Name)
	for _, target := range ended[:min(len(ended), wokenEnded)] {
		if err != nil {
			break
		}
		if delayed := s.wake(ctx, target); delayed != "" {
			removed.Delayed = delayed
			return removed, nil
		}
	}
	if err != nil {
		removed.Delayed = errkind.Text(err)
	}
	return removed, nil
}
