package operations

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// ShowRepository shows a watched repository, under any of its names.
var ShowRepository = Operation[RepositoryRequest, RepositoryDetail]{Name: "show-repository", Summary: "Show a watched repository",
	Method: http.MethodGet, Path: "/repository", Scope: token.Read, do: showRepository}

// RepositoryRequest names a repository.
type RepositoryRequest struct {
	Name string `query:"name" required:"true" minLength:"1" maxLength:"600" doc:"The repository." example:"docker.io/library/nginx"`
}

// RepositoryDetail is a watched repository with its edition.
type RepositoryDetail struct {
	Repository
	Edited
}

func showRepository(ctx context.Context, s *System, request RepositoryRequest) (RepositoryDetail, error) {
	name, err := s.repositoryName(ctx, request.Name)
	if err != nil {
		return RepositoryDetail{}, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return RepositoryDetail{}, err
	}
	stored, state, err := kept.Repository(ctx, name)
	if err != nil {
		return RepositoryDetail{}, notWatchedRepository(name, err)
	}
	return RepositoryDetail{Repository{stored, append([]string{}, state.Tags...), state.Checked, ProblemOf(state.Problem), len(state.ListedTags)}, Edited{state.Edition}}, nil
}

// PlanRepository has a worker list the tags of a repository, by a task, and reports which
// would be watched, and why others would not.
var PlanRepository = Operation[RepositorySettings, Task]{Name: "plan-repository", Summary: "Report which tags of a repository would be watched, without storing anything",
	Method: http.MethodPost, Path: "/repositories/plan", Scope: token.Act, Accepted: true, do: planRepository}

// SaveRepository watches a repository, or replaces the settings of one that is watched.
var SaveRepository = Operation[RepositoryChange, SavedRepository]{Name: "save-repository", Summary: "Watch a repository and its new tags, or replace its settings",
	Method: http.MethodPost, Path: "/repositories", Scope: token.Act, Creates: true, do: saveRepository}

// RepositorySettings are all settings of a watched repository.
type RepositorySettings struct {
	Name      string               `json:"name" minLength:"1" maxLength:"600" doc:"The repository." example:"docker.io/library/nginx"`
	Types     []notification.Type  `json:"types,omitempty" maxItems:"20" doc:"Notification types that each tag is subscribed to; all of a tag but runtime_update by default."`
	Options   subscription.Options `json:"options,omitzero" required:"false" doc:"What narrows the subscriptions."`
	Platforms []image.Platform     `json:"platforms,omitempty" maxItems:"50" doc:"The os/arch that each tag is watched for; linux/amd64 by default."`
	// Interval is how often each tag is checked, ListInterval how often tags are listed.
	Interval     string         `json:"interval,omitempty" maxLength:"20" doc:"How often to check each tag, such as 5m; at least 30s. The worker's by default." example:"5m"`
	ListInterval string         `json:"list_interval,omitempty" maxLength:"20" doc:"How often to list the tags; at least 30s. The worker's by default." example:"1h"`
	Filter       taglist.Filter `json:"filter,omitzero" required:"false" doc:"Which tags to watch; all by default."`
	MaxTags      int            `json:"max_tags,omitempty" minimum:"0" doc:"Refuse to watch more tags than these; 20000 by default."`
}

// RepositoryChange are the settings that a repository gets.
type RepositoryChange struct {
	Conditional
	RepositorySettings
	// Unverified does not ask the registry.
	Unverified bool `json:"unverified,omitempty" doc:"Do not check that the repository exists in the registry, and how many tags are selected. Of a repository whose list takes longer than a request may, have a plan made instead."`
}

// SavedRepository is a repository that is watched.
type SavedRepository struct {
	taglist.Repository
	Edited
	// Plan is missing if the registry was not asked.
	Plan *taglist.Plan `json:"plan,omitempty"`
	Delay
}

// RepositorySettingsOf are the settings of a repository as requests have them.
func RepositorySettingsOf(r taglist.Repository) RepositorySettings {
	settings := RepositorySettings{Name: r.Name.String(), Types: r.Types, Options: r.Options, Platforms: r.Platforms, Filter: r.Filter, MaxTags: r.Most}
	if len(r.Platforms) == 0 && r.Platform != (image.Platform{}) {
		settings.Platforms = []image.Platform{r.Platform}
	}
	if r.Poll > 0 {
		settings.Interval = r.Poll.String()
	}
	if r.List > 0 {
		settings.ListInterval = r.List.String()
	}
	return settings
}

func planRepository(ctx context.Context, s *System, request RepositorySettings) (Task, error) {
	asked, err := s.repositorySettings(ctx, request)
	if err != nil {
		return Task{}, err
	}
	return s.begin(ctx, "plan to watch "+asked.Name.String(), func(ctx context.Context, c client.Client) (client.Run, error) {
		return c.BeginRepositoryPlan(ctx, asked)
	})
}

// RefusePlan is an error if the tags of a plan must not be watched.
func RefusePlan(plan taglist.Plan) error {
	if plan.Problem == "" {
		return nil
	}
	return &Refusal{Kind: errkind.Limit, Text: plan.Problem}
}

// planTimeout is how long a worker may take to list a repository.
const planTimeout = 10 * time.Minute

func saveRepository(ctx context.Context, s *System, request RepositoryChange) (saved SavedRepository, err error) {
	asked, err := s.repositorySettings(ctx, request.RepositorySettings)
	if err != nil {
		return saved, err
	}
	if !request.Unverified {
		plan, err := s.planOf(ctx, asked)
		if err != nil {
			return saved, err
		}
		saved.Plan = &plan
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return saved, err
	}
	if err := s.ask(ctx, "connect to Temporal", signalTimeout, func(ctx context.Context, c client.Client) error { _, err := c.Attended(ctx); return err }); err != nil {
		return saved, err // nothing is stored that nobody follows
	}
	if err := kept.Expecting(request.expected()).SaveRepository(ctx, asked, s.Now); err != nil {
		return saved, changed("repository "+asked.Name.String(), err)
	}
	stored, state, err := kept.Repository(ctx, asked.Name)
	saved.Repository, saved.Edited = stored, Edited{state.Edition}
	saved.Delayed = s.wakeRepository(ctx, asked.Name)
	return saved, notWatchedRepository(asked.Name, err)
}

func (s *System) planOf(ctx context.Context, asked taglist.Repository) (plan taglist.Plan, err error) {
	err = s.ask(ctx, "list the tags of "+asked.Name.String(), planTimeout, func(ctx context.Context, c client.Client) (err error) {
		plan, err = c.PlanRepository(ctx, asked)
		return err
	})
	if err != nil {
		return plan, refused(err)
	}
	return plan, RefusePlan(plan)
}

// wakeRepository has the watcher of a repository read its settings, and says why it cannot. It
// would find out by itself.
func (s *System) wakeRepository(ctx context.Context, name image.Repository) (delayed string) {
	err := s.ask(ctx, "wake repository "+name.String(), signalTimeout, func(ctx context.Context, c client.Client) error {
		return c.WakeRepository(ctx, name, watcher.WakeSettings)
	})
	if err != nil {
		return errkind.Text(err)
	}
	return ""
}

// repositorySettings are the settings of a request, under the name by which the repository is
// watched.
func (s *System) repositorySettings(ctx context.Context, request RepositorySettings) (r taglist.Repository, err error) {
	r = taglist.Repository{Types: request.Types, Options: request.Options, Filter: request.Filter, Most: request.MaxTags}
	if r.Name, err = s.repositoryName(ctx, request.Name); err != nil {
		return r, err
	}
	if err := oneOf("types", notification.TagTypes, request.Types...); err != nil {
		return r, err
	}
	if len(r.Types) == 0 {
		r.Types = notification.DefaultTypes
	}
	if err := checkOptions(request.Options); err != nil {
		return r, err
	}
	if r.Platforms = request.Platforms; len(r.Platforms) == 1 {
		r.Platform, r.Platforms = r.Platforms[0], nil
	}
	if r.Poll, err = interval("interval", request.Interval); err != nil {
		return r, err
	}
	if r.List, err = interval("list_interval", request.ListInterval); err != nil {
		return r, err
	}
	if err := r.Filter.Validate(); err != nil {
		return r, &Refusal{Kind: errkind.Invalid, Text: errkind.Text(err)}
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return r, err
	}
	for _, name := range r.Options.Endpoints {
		if _, err := s.endpoint(ctx, kept, name); err != nil {
			return r, err
		}
	}
	return r, nil
}

// interval is a time between two checks; zero for "".
func interval(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	every, err := time.ParseDuration(text)
	if err != nil || every < subscription.ShortestPoll {
		return 0, &InvalidValue{Field: field, Value: text, Expected: "at least " + subscription.ShortestPoll.String()}
	}
	return every, nil
}

// repositoryName is the name by which a repository is watched, or that it would be. One
// outside of the caller's bounds does not exist for the caller.
func (s *System) repositoryName(ctx context.Context, text string) (image.Repository, error) {
	name, err := image.ParseRepository(text)
	if err != nil {
		return name, refused(err)
	}
	if !s.Bounds.IncludeRepository(name) {
		return name, notFound("", "%s is not among the repositories that the given token is for", name)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return name, err
	}
	watched, err := kept.WatchedAs(ctx, name)
	if err != nil || len(watched) == 0 || slices.ContainsFunc(watched, func(r taglist.Repository) bool { return r.Name == name }) {
		return name, err
	}
	return watched[0].Name, nil
}

func notWatchedRepository(name image.Repository, err error) error {
	if errors.Is(err, errkind.NotFound) {
		return notFound("see: tagwatch repository list", "%s is not watched", name)
	}
	return err
}

// UnwatchRepository ends the watch of a repository.
var UnwatchRepository = Operation[RepositoryUnwatch, UnwatchedRepository]{Name: "unwatch-repository", Summary: "Stop watching a repository",
	Method: http.MethodPost, Path: "/repositories/unwatch", Scope: token.Act, do: unwatchRepository}

// RepositoryUnwatch names a repository.
type RepositoryUnwatch struct {
	Conditional
	Name string `json:"name" minLength:"1" maxLength:"600" doc:"The repository." example:"docker.io/library/nginx"`
	Tags bool   `json:"tags,omitempty" doc:"Also end the subscriptions that the repository brought. Without it, they stay."`
}

// UnwatchedRepository is a repository that is not watched any more.
type UnwatchedRepository struct {
	Name image.Repository `json:"name"`
	// Ended is how many tags are not watched any more.
	Ended int `json:"tags_ended"`
	Delay
}

// unwatchRepository ends the subscriptions of a repository also if that is not watched any
// more: it finishes what was interrupted.
func unwatchRepository(ctx context.Context, s *System, request RepositoryUnwatch) (UnwatchedRepository, error) {
	name, err := s.repositoryName(ctx, request.Name)
	if err != nil {
		return UnwatchedRepository{}, err
	}
	answer := UnwatchedRepository{Name: name}
	kept, err := s.Store(ctx)
	if err != nil {
		return answer, err
	}
	deleted := kept.Expecting(request.expected()).DeleteRepository(ctx, name, s.Now)
	gone := errors.Is(deleted, errkind.NotFound)
	if deleted != nil && !gone {
		return answer, changed("repository "+name.String(), deleted)
	}
	var ended []image.Target
	if request.Tags {
		if ended, err = kept.UnwatchTags(ctx, name, s.Now); err != nil {
			return answer, err
		}
	}
	if gone && len(ended) == 0 {
		return answer, notWatchedRepository(name, deleted)
	}
	answer.Ended = len(ended)
	if answer.Delayed = s.wakeRepository(ctx, name); answer.Delayed == "" {
		answer.Delayed = s.wakeEnded(ctx, ended)
	}
	return answer, nil
}

func (s *System) wakeEnded(ctx context.Context, ended []image.Target) (delayed string) {
	for _, target := range ended[:min(len(ended), wokenEnded)] {
		if delayed = s.wake(ctx, target); delayed != "" {
			return delayed
		}
	}
	return ""
}

// readPlan is the result of a plan.
func readPlan(await func(any) error) (TaskResult, error) {
	var plan taglist.Plan
	err := await(&plan)
	return TaskResult{Plan: &plan}, err
}

// plannedWithin reports whether the repository of a plan is within bounds.
func plannedWithin(bounds token.Bounds, run client.Run) bool {
	name := strings.TrimPrefix(run.Workflow, workflows.PlanRepositoryID+":")
	if at := strings.LastIndex(name, ":"); at >= 0 {
		name = name[:at]
	}
	repository, err := image.ParseRepository(name)
	return err == nil && bounds.IncludeRepository(repository)
}
