package tags

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
	"github.com/tagwatch/tagwatch/workflows"
)

// await follows each tag until it is analyzed, matched and evaluated, and shows
// its status.
func await(ctx context.Context, s *session.Session, linked *session.Link, done []*subscribed) (failures []error) {
	ctx, cancel := context.WithTimeout(ctx, s.Duration("timeout"))
	defer cancel()
	for _, each := range done {
		state, err := awaitTag(ctx, s, linked, each.Target)
		if err != nil {
			failures = append(failures, err)
			if ctx.Err() == context.Canceled {
				break
			}
			continue
		}
		s.Now = time.Now().UTC() // what is notified of the tag happened meanwhile
		status := statusView(s, state.Summary, &state)
		each.Status = &status
		if s.ForPeople() {
			writeStatus(s, s.Out, each.Status)
		}
	}
	return failures
}

// awaitTag prints each step that it sees, once.
func awaitTag(ctx context.Context, s *session.Session, linked *session.Link, target image.Target) (workflows.TagState, error) {
	ticker := time.NewTicker(session.Glance)
	defer ticker.Stop()
	said := ""
	for {
		state, err := liveStatus(ctx, linked, target)
		if err != nil {
			return state, err
		}
		if complete(state) {
			return state, nil
		}
		if problem := problemOf(state); problem != nil && state.Doing == "" {
			return state, exit.Refused("%s: %s", target, problem.Message)
		}
		if step := stepOf(state); step != said {
			s.Say("%s: %s", target, step)
			said = step
		}
		select {
		case <-ctx.Done():
			return state, waitedTooLong(ctx, s, target, said)
		case <-ticker.C:
		}
	}
}

func waitedTooLong(ctx context.Context, s *session.Session, target image.Target, step string) error {
	if ctx.Err() == context.Canceled {
		return &exit.Interrupted{Meanwhile: "the analysis goes on; see: tagwatch status " + subscribeWords(target)}
	}
	return exit.Unable(fmt.Errorf("%s is not ready after %s: %s; the work continues, see: tagwatch status %s",
		target, s.Duration("timeout"), step, target))
}

// liveStatus asks a tag's watcher.
func liveStatus(ctx context.Context, l *session.Link, target image.Target) (state workflows.TagState, err error) {
	err = l.Ask(ctx, "ask for the status of "+target.String(), session.QueryTimeout, func(ctx context.Context) error {
		state, err = l.Client.TagStatus(ctx, target)
		return err
	})
	if state.Analyzing != "" {
		doing := cmp.Or(state.Doing, "analyzing image "+state.Analyzing.Short())
		state.Doing = session.Phrase(doing, analysisDetail(ctx, l, state.Analyzing))
	}
	return state, err
}

// analysisDetail is what the analysis of an image is at, or what it waits for;
// "" if neither can be read.
func analysisDetail(ctx context.Context, l *session.Link, digest image.Digest) string {
	ctx, cancel := context.WithTimeout(ctx, session.QueryTimeout)
	defer cancel()
	described, err := l.Client.Temporal.DescribeWorkflowExecution(ctx, workflows.AnalyzeImageID(digest), "")
	if err != nil {
		return ""
	}
	if session.Idle(described) {
		return "waiting for a free worker"
	}
	_, detail := session.PendingDetail(described)
	return detail
}

// complete reports that every step is done for the image that the tag points to.
func complete(state workflows.TagState) bool {
	known := state.Summary
	return known.Analyzed != "" && known.Analyzed == known.Resolved.Manifest && known.Matched && known.Status != "" &&
		problemOf(state) == nil && state.Doing == ""
}

func problemOf(state workflows.TagState) *condition.Problem {
	if state.Problem != nil {
		return state.Problem
	}
	return state.Summary.Problem
}

// stepOf says what is being done or waited for.
func stepOf(state workflows.TagState) string {
	known := state.Summary
	switch {
	case state.Doing != "":
		return state.Doing
	case known.Analyzed == "" || known.Analyzed != known.Resolved.Manifest:
		return "waiting for the first check"
	case !known.Matched:
		return "analyzed; waiting for vulnerability data, see: tagwatch feed status"
	}
	return "waiting for the evaluation"
}
