// Package endpoints has the commands about endpoints, which receive notifications.
package endpoints

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:  "endpoint",
		Usage: "manage the endpoints that receive notifications",
		Description: `An endpoint is a URL that receives notifications by HTTP POST. Tagwatch never stores
secrets: an endpoint refers to environment variables or files of the worker.

   tagwatch endpoint add ops https://receiver.example.com/hook
   tagwatch endpoint test ops
   tagwatch endpoint list`,
		Subcommands: []*cli.Command{endpointAddCommand(), endpointListCommand(), endpointShowCommand(), endpointTestCommand(), endpointRotateCommand(),
			endpointDisableCommand(), endpointEnableCommand(), endpointDeleteCommand(), endpointImportCommand()},
	}
}

func endpointListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list endpoints and their delivery state",
		UsageText:   "tagwatch endpoint list [options]",
		Description: "   tagwatch endpoint list\n   tagwatch endpoint list -o json",
		Flags:       session.ListFlags(),
		Action:      session.Bare(endpointList),
	}
}

func endpointList(ctx context.Context, s *session.Session) error {
	all, err := operations.All(func(page operations.Page) ([]operations.Endpoint, string, error) {
		list, err := operations.ListEndpoints.Run(ctx, s.System(), operations.EndpointsRequest{Page: page})
		return list.Endpoints, list.Next, err
	})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Endpoint]{Items: all, Name: func(e operations.Endpoint) string { return e.Name }, People: func(w io.Writer, all []operations.Endpoint) { writeEndpoints(s, w, all) }})
}

func writeEndpoints(s *session.Session, w io.Writer, endpoints []operations.Endpoint) {
	if len(endpoints) == 0 {
		s.Say("No endpoint is configured; add one with: tagwatch endpoint add NAME URL")
		return
	}
	t := output.NewTable("NAME", "URL", "TYPES", "EXPLICIT", "FORMAT", "STATE").Drop("FORMAT", "EXPLICIT", "TYPES")
	for _, e := range endpoints {
		types, format := "all", message.FormatAnchore
		if len(e.Types) > 0 {
			types = wording.List(e.Types)
		}
		if e.Format != "" {
			format = e.Format
		}
		style, state := endpointState(s, e.Name, e.State, e.GivenUp)
		t.Row(style, e.Name, e.URL, types, output.Yes(e.ExplicitOnly), string(format), state)
	}
	t.Write(w)
}

func endpointState(s *session.Session, name string, state delivery.EndpointState, lost delivery.GivenUp) (output.Style, string) {
	switch state.Health(lost) {
	case delivery.HealthDisabled:
		return output.Bad, "disabled: " + state.Reason
	case delivery.HealthFailing:
		return output.Doubtful, fmt.Sprintf("failing, began %s: %s", s.Ago(state.FailingSince), state.LastAnswer)
	case delivery.HealthGivingUp:
		return output.Bad, "giving up: " + operations.GivenUp(s.Now, name, lost)
	case delivery.HealthUntried:
		return output.Ordinary, "no notification sent yet"
	}
	return output.Ordinary, "ok"
}

func endpointTestCommand() *cli.Command {
	return &cli.Command{
		Name:      "test",
		Usage:     "send a sample notification and show the response",
		UsageText: "tagwatch endpoint test NAME [--type TYPE]",
		Description: `A worker sends the sample like a real notification. Exit code 0: delivered; 1: not
delivered.

   tagwatch endpoint test ops
   tagwatch endpoint test ops --type policy_eval`,
		Flags:  []cli.Flag{arguments.TypeFlag("of the sample notification (default: tag_update)"), session.OutputFlag()},
		Action: session.One("NAME", endpointTest),
	}
}

func endpointTest(ctx context.Context, s *session.Session, name string) error {
	types, err := arguments.Types(s, notification.Types)
	if err != nil {
		return err
	}
	if len(types) == 0 {
		types = []notification.Type{notification.TagUpdate}
	}
	delivered := true
	for _, t := range types {
		result, err := operations.TestEndpoint.Run(ctx, s.System(), operations.EndpointSample{Name: name, Type: t})
		if err != nil {
			return session.Meanwhile(ctx, err, "the sample may still be sent")
		}
		delivered = delivered && result.Verdict == delivery.VerdictDelivered
		if err := s.Show(result, func(w io.Writer) { writeTested(w, result) }); err != nil {
			return err
		}
	}
	if !delivered {
		return exit.ErrAnswered
	}
	return nil
}

func writeTested(w io.Writer, v operations.TestedEndpoint) {
	took := (time.Duration(v.Seconds * float64(time.Second))).Round(time.Millisecond)
	fmt.Fprintf(w, "%s to %s: %s after %s: %s\n", v.Type, v.Endpoint, verdictWords(v.Verdict), took, output.Dash(output.OneLine(v.Answer)))
}

func verdictWords(verdict delivery.Verdict) string {
	switch verdict {
	case delivery.VerdictRetry:
		return "failed, a real notification would be retried,"
	case delivery.VerdictDisable:
		return "failed, a real notification would disable the endpoint,"
	case delivery.VerdictFinal:
		return "failed, a real notification would not be retried,"
	}
	return string(verdict)
}
