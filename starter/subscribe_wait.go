package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

// glance is the time between two looks at something under way.
const glance = 500 * time.Millisecond

// await follows each tag until it is analyzed, matched and evaluated, and adds
// its status.
func (s *session) await(ctx context.Context, linked *link, done []*subscribed) (failures []error) {
	ctx, cancel := context.WithTimeout(ctx, s.Duration("timeout"))
	defer cancel()
	for _, each := range done {
		state, err := s.awaitTag(ctx, linked, each.Target)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		s.now = time.Now().UTC() // what is notified of the tag happened meanwhile
		status := s.statusView(state.Summary, &state)
		each.Status = &status
	}
	return failures
}

// awaitTag prints each step that it sees, once.
func (s *session) awaitTag(ctx context.Context, linked *link, target image.Target) (workflows.TagState, error) {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	said := ""
	for {
		state, err := linked.status(ctx, target)
		if err != nil {
			return state, err
		}
		if complete(state) {
			return state, nil
		}
		if problem := problemOf(state); problem != nil && state.Doing == "" {
			return state, refused("%s: %s", target, problem.Message)
		}
		if step := stepOf(state); step != said {
			s.say("%s: %s", target, step)
			said = step
		}
		select {
		case <-ctx.Done():
			return state, s.waitedTooLong(ctx, target, said)
		case <-ticker.C:
		}
	}
}

func (s *session) waitedTooLong(ctx context.Context, target image.Target, step string) error {
	if ctx.Err() == context.Canceled {
		return &interrupted{"the tag is watched all the same, see: tagwatch status " + subscribeWords(target)}
	}
	return unable(fmt.Errorf("%s is not ready after %s: %s; it goes on by itself, see: tagwatch status %s",
		target, s.Duration("timeout"), step, target))
}

// status asks a tag's watcher.
func (l *link) status(ctx context.Context, target image.Target) (state workflows.TagState, err error) {
	err = l.ask(ctx, "ask for the status of "+target.String(), queryTimeout, func(ctx context.Context) error {
		state, err = l.client.TagStatus(ctx, target)
		return err
	})
	if state.Analyzing != "" {
		doing := cmp.Or(state.Doing, "analyzing image "+state.Analyzing.Short())
		state.Doing = phrase(doing, l.analysisDetail(ctx, state.Analyzing))
	}
	return state, err
}

// analysisDetail is what the analysis of an image is at, or what it waits for;
// "" if neither can be read.
func (l *link) analysisDetail(ctx context.Context, digest image.Digest) string {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	described, err := l.client.Temporal.DescribeWorkflowExecution(ctx, workflows.AnalyzeImageID(digest), "")
	if err != nil {
		return ""
	}
	if idle(described) {
		return "waiting for a worker that has time for it"
	}
	_, detail := pendingDetail(described)
	return detail
}

// complete reports that every step is done for the image that the tag points to.
func complete(state workflows.TagState) bool {
	known := state.Summary
	return known.Analyzed != "" && known.Analyzed == known.Resolved.Manifest && known.Matched && known.Status != "" &&
		problemOf(state) == nil && state.Doing == ""
}

func problemOf(state workflows.TagState) *watch.Problem {
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
		return "waiting for the first look"
	case !known.Matched:
		return "analyzed; waiting for vulnerability data, see: tagwatch feed status"
	}
	return "waiting for the evaluation"
}
