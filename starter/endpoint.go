package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func endpointCommand() *cli.Command {
	return &cli.Command{
		Name: "endpoint", Category: categoryNotified,
		Usage: "manage where notifications are sent to",
		Description: `An endpoint is a URL that notifications are posted to. Secrets are never stored:
an endpoint names the environment variables or files of the worker that hold
them.

   tagwatch endpoint add ops https://receiver.example.com/hook
   tagwatch endpoint test ops
   tagwatch endpoint list`,
		Subcommands: []*cli.Command{endpointAddCommand(), endpointListCommand(), endpointShowCommand(), endpointTestCommand(), endpointRotateCommand(),
			endpointDisableCommand(), endpointEnableCommand(), endpointDeleteCommand(), endpointImportCommand()},
	}
}

func noEndpoint(name string) error {
	return refused("there is no endpoint %q; see: tagwatch endpoint list", name)
}

func endpointListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the endpoints and how deliveries to them go",
		UsageText:   "tagwatch endpoint list [options]",
		Description: "   tagwatch endpoint list\n   tagwatch endpoint list -o json",
		Flags:       []cli.Flag{outputFlag()},
		Action:      bare(endpointList),
	}
}

func endpointList(ctx context.Context, s *session) error {
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	endpoints, err := kept.Endpoints(ctx)
	if err != nil {
		return err
	}
	lost, err := kept.GivenUp(ctx, s.now.Add(-event.GivenUpSpan))
	if err != nil {
		return err
	}
	listed := make([]endpointListed, len(endpoints))
	for i, e := range endpoints {
		listed[i] = endpointListed{e, e.State.Health(lost[e.Name]), lost[e.Name]}
	}
	return s.show(listed, func(w io.Writer) { s.writeEndpoints(w, listed) })
}

// endpointListed is an endpoint of a list for programs.
type endpointListed struct {
	event.Endpoint
	Health  event.Health  `json:"health"`
	GivenUp event.GivenUp `json:"given_up,omitzero"` // within the last day
}

func (s *session) writeEndpoints(w io.Writer, endpoints []endpointListed) {
	if len(endpoints) == 0 {
		s.say("No endpoint; add one with: tagwatch endpoint add NAME URL")
		return
	}
	t := newTable("NAME", "URL", "TYPES", "RESERVED", "FORMAT", "STATE")
	for _, e := range endpoints {
		types, format := "all", event.FormatAnchore
		if len(e.Types) > 0 {
			types = list(e.Types)
		}
		if e.Format != "" {
			format = e.Format
		}
		style, state := s.endpointState(e.Name, e.State, e.GivenUp)
		t.row(style, e.Name, e.URL, types, yes(e.ExplicitOnly), string(format), state)
	}
	t.write(w)
}

// endpointState is how deliveries to an endpoint go, and what to do about it.
func (s *session) endpointState(name string, state event.EndpointState, lost event.GivenUp) (style, string) {
	switch state.Health(lost) {
	case event.HealthDisabled:
		return bad, "disabled: " + state.Reason
	case event.HealthFailing:
		return doubtful, fmt.Sprintf("failing, began %s: %s", s.ago(state.FailingSince), state.LastAnswer)
	case event.HealthGivingUp:
		return bad, "giving up: " + s.givenUp(name, lost)
	case event.HealthUntried:
		return ordinary, "nothing sent yet"
	}
	return ordinary, "ok"
}

// givenUp says what an endpoint lost within the last day.
func (s *session) givenUp(name string, lost event.GivenUp) string {
	return fmt.Sprintf("%s given up within %s, the last %s: %s; see: tagwatch deliveries --failed --endpoint %s",
		number(lost.Count, "notification"), span(event.GivenUpSpan), s.ago(lost.Last), lost.Answer, name)
}

func endpointTestCommand() *cli.Command {
	return &cli.Command{
		Name:      "test",
		Usage:     "send a sample notification, and show the answer",
		UsageText: "tagwatch endpoint test NAME [--type TYPE]",
		Description: `A worker sends it, as it would send a real one. Exit code 0: delivered; 1: not.

   tagwatch endpoint test ops
   tagwatch endpoint test ops --type policy_eval`,
		Flags:  []cli.Flag{typeFlag("of the sample (default: tag_update)"), outputFlag()},
		Action: action(endpointTest),
	}
}

// testedView is the answer to a sample, for programs.
type testedView struct {
	Endpoint string        `json:"endpoint"`
	Type     event.Type    `json:"type"`
	Verdict  event.Verdict `json:"verdict"`
	Status   int           `json:"status"`
	Seconds  float64       `json:"duration_seconds"`
	Answer   string        `json:"answer"`
}

func endpointTest(ctx context.Context, s *session) error {
	name, err := s.argument("NAME")
	if err != nil {
		return err
	}
	types, err := s.types(event.Types)
	if err != nil {
		return err
	}
	if len(types) == 0 {
		types = []event.Type{event.TagUpdate}
	}
	delivered := true
	for _, t := range types {
		result, err := s.sendSample(ctx, name, t)
		if err != nil {
			return err
		}
		delivered = delivered && result.Verdict == event.VerdictDelivered
		view := testedView{name, t, result.Verdict, result.Status, result.Duration.Seconds(), result.Answer}
		if err := s.show(view, func(w io.Writer) { writeTested(w, view) }); err != nil {
			return err
		}
	}
	if !delivered {
		return errAnswered
	}
	return nil
}

func (s *session) sendSample(ctx context.Context, name string, t event.Type) (result watch.TestResult, err error) {
	linked, err := s.temporal(ctx)
	if err != nil {
		return result, err
	}
	err = linked.ask(ctx, "test endpoint "+name, event.MaxTimeout+time.Minute, func(ctx context.Context) error {
		result, err = linked.client.TestEndpoint(ctx, name, t)
		return err
	})
	if errors.Is(err, errkind.NotFound) {
		return result, noEndpoint(name)
	}
	return result, err
}

func writeTested(w io.Writer, v testedView) {
	took := (time.Duration(v.Seconds * float64(time.Second))).Round(time.Millisecond)
	fmt.Fprintf(w, "%s to %s: %s after %s: %s\n", v.Type, v.Endpoint, verdictWords(v.Verdict), took, dash(oneLine(v.Answer)))
}

// verdictWords are what becomes of a notification with such an answer.
func verdictWords(verdict event.Verdict) string {
	switch verdict {
	case event.VerdictRetry:
		return "not delivered, a real one would be tried again,"
	case event.VerdictDisable:
		return "not delivered, a real one would disable the endpoint,"
	case event.VerdictFinal:
		return "not delivered, a real one would be given up,"
	}
	return string(verdict)
}

func endpointEnableCommand() *cli.Command {
	return &cli.Command{
		Name:        "enable",
		Usage:       "send to an endpoint again that was disabled",
		UsageText:   "tagwatch endpoint enable NAME",
		Description: "An endpoint is disabled by tagwatch endpoint disable, or when it answers that it is\ngone (410). What is still pending is sent at once.\n\n   tagwatch endpoint enable ops",
		Action:      action(endpointEnable),
	}
}

func endpointEnable(ctx context.Context, s *session) error {
	name, err := s.argument("NAME")
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	if err := kept.MakeDue(ctx, name, s.now); err != nil {
		return err
	}
	return s.setEndpointState(ctx, name, event.EndpointState{}, "enabled")
}

// setEndpointState stores what a person says of an endpoint, and tells its queue.
func (s *session) setEndpointState(ctx context.Context, name string, state event.EndpointState, done string) error {
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	if err := kept.SetEndpointState(ctx, name, state); err != nil {
		if errors.Is(err, errkind.NotFound) {
			return noEndpoint(name)
		}
		return err
	}
	fmt.Fprintf(s.out, "Endpoint %s is %s\n", name, done)
	s.wake(ctx, name)
	return nil
}

func endpointDeleteCommand() *cli.Command {
	return &cli.Command{
		Name:        "delete",
		Usage:       "delete an endpoint",
		UsageText:   "tagwatch endpoint delete NAME",
		Description: "What was still to be delivered to it is given up.\n\n   tagwatch endpoint delete ops",
		Action:      action(endpointDelete),
	}
}

func endpointDelete(ctx context.Context, s *session) error {
	name, err := s.argument("NAME")
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	if err := kept.DeleteEndpoint(ctx, name); err != nil {
		if errors.Is(err, errkind.NotFound) {
			return noEndpoint(name)
		}
		return err
	}
	fmt.Fprintf(s.out, "Endpoint %s is deleted\n", name)
	s.wake(ctx, name)
	return nil
}

// wake tells the queues of endpoints that something changed. They would find out
// by themselves, so a Temporal that does not answer is only worth a word.
func (s *session) wake(ctx context.Context, names ...string) {
	linked, err := s.temporal(ctx)
	if err != nil {
		s.say("Its queue was not notified and follows later: %s", sentence(err))
		return
	}
	for _, name := range names {
		if err := linked.client.WakeEndpoint(ctx, name); err != nil {
			s.say("The queue of endpoint %s was not notified and follows later: %s", name, sentence(err))
			return
		}
	}
}
