package anchore

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/operations"
)

// addRepository watches a repository, with subscriptions of its tags as those that addImage
// makes. One that is watched keeps its settings but for autosubscribe.
func addRepository(c *call) (any, error) {
	change, err := c.repositoryChange()
	if err != nil {
		return nil, err
	}
	if c.flag("dryrun", false) {
		r, err := c.planned(change.RepositorySettings)
		return []record{r}, err
	}
	saved, err := operations.SaveRepository.Run(c, c.system, change)
	if err != nil {
		return nil, err
	}
	return []record{c.repositoryRecord(saved.Repository, selected(saved.Plan), saved.Plan.Tags, time.Time{})}, nil
}

func (c *call) repositoryChange() (operations.RepositoryChange, error) {
	name := c.parameter("repository")
	if name == "" {
		return operations.RepositoryChange{}, invalid("the parameter repository is required")
	}
	change := operations.RepositoryChange{RepositorySettings: operations.RepositorySettings{Name: name, Types: []notification.Type{notification.AnalysisUpdate}}}
	watched, err := operations.ShowRepository.Run(c, c.system, operations.RepositoryRequest{Name: name})
	if err == nil {
		change.RepositorySettings = operations.RepositorySettingsOf(watched.Repository.Repository)
		change.Match(watched.EditionTag())
	} else if !errors.Is(err, errkind.NotFound) {
		return change, err
	}
	change.Types = slices.DeleteFunc(slices.Clone(change.Types), func(t notification.Type) bool { return t == notification.TagUpdate })
	if c.flag("autosubscribe", true) {
		change.Types = append(change.Types, notification.TagUpdate)
	}
	if len(change.Types) == 0 {
		change.Types = []notification.Type{notification.AnalysisUpdate}
	}
	return change, nil
}

// planned is the record that a repository would have. Nothing is stored.
func (c *call) planned(settings operations.RepositorySettings) (record, error) {
	task, err := operations.PlanRepository.Run(c, c.system, settings)
	if err != nil {
		return record{}, err
	}
	if task, err = c.follow(task, nil); err != nil {
		return record{}, err
	}
	if task.Result == nil || task.Result.Plan == nil {
		return record{}, &Fault{Status: http.StatusServiceUnavailable, Kind: "Unavailable", Text: "the tags of " + settings.Name + " are still being listed", Hint: "repeat this in a moment"}
	}
	plan := task.Result.Plan
	if err := operations.RefusePlan(*plan); err != nil {
		return record{}, err
	}
	r := c.repositoryRecord(taglist.Repository{Name: plan.Repository, Types: settings.Types}, selected(plan), plan.Tags, time.Time{})
	r.Active = false
	return r, nil
}

// selected are the tags that would be watched; a plan lists them up to a limit.
func selected(plan *taglist.Plan) []string {
	var tags []string
	for _, group := range plan.Groups {
		if group.Selected {
			tags = append(tags, group.Tags...)
		}
	}
	slices.Sort(tags)
	return tags
}
