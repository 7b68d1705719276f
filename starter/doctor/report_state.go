package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/session"
)

// reported is how many of a kind a report shows one by one.
const reported = 20

// tally counts by what a thing is, and keeps the first that have a problem.
type tally struct {
	counts   map[string]int
	problems []string
	more     int
}

func (t *tally) add(state, name string, problem *operations.Problem) {
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[state]++
	switch {
	case problem == nil:
	case len(t.problems) == reported:
		t.more++
	default:
		t.problems = append(t.problems, fmt.Sprintf("%s: %s since %s: %s", name, problem.Stage, problem.Since.Format(time.RFC3339), problem.Message))
	}
}

func (t *tally) lines() []string {
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(t.counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", t.counts[state], state))
	}
	if parts == nil {
		return nil
	}
	lines := append([]string{strings.Join(parts, ", ")}, t.problems...)
	if t.more > 0 {
		lines = append(lines, fmt.Sprintf("... and %d more with a problem", t.more))
	}
	return lines
}

func tagLines(ctx context.Context, s *session.Session) ([]string, error) {
	tags, err := operations.All(func(page operations.Page) ([]operations.TagStatus, string, error) {
		list, err := operations.ListTags.Run(ctx, s.System(), operations.TagsRequest{Page: page})
		return list.Tags, list.Next, err
	})
	var t tally
	for _, tag := range tags {
		t.add(stateOf(tag), tag.Target.String(), tag.Problem)
	}
	return t.lines(), err
}

// stateOf is how far a tag is.
func stateOf(tag operations.TagStatus) string {
	switch {
	case tag.Problem != nil:
		return "with a problem"
	case tag.Digest == "":
		return "not checked yet"
	case !tag.Pending.IsZero():
		return "waiting for an analysis"
	case !tag.Matched:
		return "not matched"
	case tag.Coverage.Missing():
		return "not covered by the data"
	}
	return "matched"
}

func repositoryLines(ctx context.Context, s *session.Session) ([]string, error) {
	repositories, err := operations.All(func(page operations.Page) ([]operations.Repository, string, error) {
		list, err := operations.ListRepositories.Run(ctx, s.System(), operations.RepositoriesRequest{Page: page})
		return list.Repositories, list.Next, err
	})
	var t tally
	for _, r := range repositories {
		t.add(listing(r.Problem, r.Checked), r.Name.String(), r.Problem)
	}
	return t.lines(), err
}

func sourceLines(ctx context.Context, s *session.Session) ([]string, error) {
	sources, err := operations.All(func(page operations.Page) ([]operations.Source, string, error) {
		list, err := operations.ListSources.Run(ctx, s.System(), operations.SourcesRequest{Page: page})
		return list.Sources, list.Next, err
	})
	var t tally
	for _, source := range sources {
		t.add(string(source.Kind)+" "+listing(source.Problem, source.Checked), source.Name, source.Problem)
	}
	return t.lines(), err
}

func listing(problem *operations.Problem, checked time.Time) string {
	switch {
	case problem != nil:
		return "with a problem"
	case checked.IsZero():
		return "not read yet"
	}
	return "read"
}

func endpointLines(ctx context.Context, s *session.Session) ([]string, error) {
	endpoints, err := operations.All(func(page operations.Page) ([]operations.Endpoint, string, error) {
		list, err := operations.ListEndpoints.Run(ctx, s.System(), operations.EndpointsRequest{Page: page})
		return list.Endpoints, list.Next, err
	})
	var lines []string
	for _, e := range endpoints {
		line := fmt.Sprintf("%s at %s: %s", e.Name, hostOf(e.URL), e.Health)
		if e.GivenUp.Count > 0 {
			line += fmt.Sprintf(", %s given up within a day: %s", wording.Count(e.GivenUp.Count, "delivery"), e.GivenUp.Answer)
		}
		lines = append(lines, line)
	}
	return lines, err
}

func deliveryLines(ctx context.Context, s *session.Session) ([]string, error) {
	list, err := operations.ListDeliveries.Run(ctx, s.System(), operations.DeliveriesRequest{State: delivery.Failed, Page: operations.Page{Limit: reported}})
	var lines []string
	for _, d := range list.Deliveries {
		lines = append(lines, fmt.Sprintf("%s %s of %s to %s after %s: %s", d.Created.Format(time.RFC3339), d.Type, d.Subject, d.Endpoint, wording.Count(d.Attempts, "attempt"), d.Answer))
	}
	return lines, err
}

func notificationLines(ctx context.Context, s *session.Session) ([]string, error) {
	list, err := operations.ListNotifications.Run(ctx, s.System(), operations.NotificationsRequest{Newest: true, Page: operations.Page{Limit: reported}})
	var lines []string
	for _, n := range list.Notifications {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", n.Created.Format(time.RFC3339), n.Type, n.Cause, n.Subject))
	}
	return lines, err
}

func dataLines(ctx context.Context, s *session.Session) ([]string, error) {
	feed, err := operations.ShowFeed.Run(ctx, s.System(), operations.FeedRequest{})
	if err != nil {
		return nil, err
	}
	var lines []string
	if feed.Current != nil {
		lines = append(lines, fmt.Sprintf("build %s of %s, schema %s, matcher %s", feed.Current.Checksum, feed.Current.Built.Format(time.RFC3339), feed.Current.Schema, feed.Matcher))
	}
	if feed.Held != nil {
		lines = append(lines, fmt.Sprintf("on hold since %s: build %s: %s", feed.HeldSince.Format(time.RFC3339), feed.Held.Checksum, strings.Join(feed.Reasons, "; ")))
	}
	if feed.Problem != nil {
		lines = append(lines, fmt.Sprintf("could not be read since %s: %s", feed.Problem.Since.Format(time.RFC3339), feed.Problem.Message))
	}
	for _, c := range feed.Conditions {
		lines = append(lines, fmt.Sprintf("since %s: %s", c.Since.Format(time.RFC3339), c.Text))
	}
	return lines, nil
}
