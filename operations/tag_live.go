package operations

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/workflows"
)

// FollowTag shows what the workflow of a tag does now.
var FollowTag = Operation[TagRequest, TagLive]{Name: "follow-tag", Summary: "Show what the workflow of a tag is doing now",
	Method: http.MethodGet, Path: "/tag/live", Scope: token.Read, do: followTag}

// TagLive is the state of a tag as its workflow knows it.
type TagLive struct {
	Target image.Target `json:"target"`
	// Complete reports that every step is done for the image that the tag points to.
	Complete bool `json:"complete"`
	// Step is what is being done or waited for.
	Step string `json:"step"`
	// Resync is why the last resync ended early.
	Resync *Problem `json:"resync_problem,omitempty"`
	// Status is the status of the tag, with all of that.
	Status TagStatus `json:"status"`
}

// Live is what a tag's workflow knows beside what is recorded.
type Live struct {
	Doing      string     `json:"doing,omitempty"`
	NextResync time.Time  `json:"next_resync,omitzero"`
	Recent     []Notified `json:"recent"`
}

// Notified is a notification in one line.
type Notified struct {
	ID      string            `json:"id"`
	Type    notification.Type `json:"type"`
	Summary string            `json:"summary"`
	At      time.Time         `json:"at"`
}

// With is the status with what the tag's workflow knows beside.
func (t TagStatus) With(live TagLive) TagStatus {
	t.Live = live.Status.Live
	if live.Resync != nil {
		t.Problem = live.Resync
	}
	return t
}

func followTag(ctx context.Context, s *System, request TagRequest) (TagLive, error) {
	known, err := s.watched(ctx, request)
	if err != nil {
		return TagLive{}, err
	}
	state, err := s.tagState(ctx, known.Target)
	if errors.Is(err, errkind.NotFound) {
		return TagLive{}, &Refusal{Kind: errkind.Conflict, Text: "the workflow of this tag is not running",
			Hint: "start it with: tagwatch rescan " + known.Target.String()}
	}
	if err != nil {
		return TagLive{}, err
	}
	live := liveOf(state)
	live.Status.Live.Recent, err = s.recent(ctx, known.Target)
	return live, err
}

// recentNotifications is how many notifications the live state of a tag has.
const recentNotifications = 10

// recent are the last notifications about a tag, the newest first: also those that came of
// evaluating all tags at once, of which its workflow learns nothing.
func (s *System) recent(ctx context.Context, target image.Target) ([]Notified, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := kept.Notifications(ctx, store.NotificationFilter{Subject: target.String(), Newest: true, Limit: recentNotifications})
	recent := []Notified{}
	for _, n := range stored {
		recent = append(recent, Notified{n.ID, n.Type, n.Summary, n.Created})
	}
	return recent, err
}

func (s *System) tagState(ctx context.Context, target image.Target) (state workflows.TagState, err error) {
	err = s.ask(ctx, "ask for the status of "+target.String(), queryTimeout, func(ctx context.Context, c client.Client) error {
		if state, err = c.TagStatus(ctx, target); err == nil && state.Analyzing != "" {
			doing := cmp.Or(state.Doing, "analyzing image "+state.Analyzing.Short())
			state.Doing = client.Phrase(doing, c.AnalysisDetail(ctx, state.Analyzing))
		}
		return err
	})
	return state, err
}

func liveOf(state workflows.TagState) TagLive {
	status := statusOf(state.Summary)
	status.Types, status.Live = state.Types, &Live{Doing: state.Doing, NextResync: state.NextResync}
	live := TagLive{Target: state.Target, Complete: complete(state), Step: stepOf(state), Resync: ProblemOf(state.Problem)}
	live.Status = status.With(TagLive{Status: status, Resync: live.Resync})
	return live
}

func complete(state workflows.TagState) bool {
	known := state.Summary
	return known.Analyzed != "" && known.Analyzed == known.Resolved.Manifest && known.Matched && known.Status != "" &&
		state.Problem == nil && known.Problem == nil && state.Doing == ""
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
