package endpoints

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func endpointShowCommand() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "show the settings and delivery state of an endpoint",
		UsageText:   "tagwatch endpoint show NAME",
		Description: "   tagwatch endpoint show ops\n   tagwatch endpoint show ops -o json",
		Flags:       []cli.Flag{session.OutputFlag()},
		Action:      session.One("NAME", endpointShow),
	}
}

func endpointShow(ctx context.Context, s *session.Session, name string) error {
	detail, err := operations.ShowEndpoint.Run(ctx, s.System(), operations.EndpointRequest{Name: name})
	if err != nil {
		return err
	}
	return s.Show(detail, func(w io.Writer) { writeEndpoint(s, w, detail) })
}

func writeEndpoint(s *session.Session, w io.Writer, v operations.EndpointDetail) {
	var p output.Pairs
	_, state := endpointState(s, v.Name, v.State, v.GivenUp)
	p.Add("Endpoint", v.Name)
	p.Add("URL", v.URL)
	p.Add("State", state)
	p.Add("Last response", v.State.LastAnswer)
	p.Add("Deliveries", deliveryCounts(v.Deliveries))
	p.Add("Oldest pending", s.When(v.Oldest))
	p.Add("Next attempt", s.When(v.Next))
	p.Add("Types", cmp.Or(wording.List(v.Types), "all but event_log"))
	p.Add("Subjects", wording.List(v.Subjects))
	p.Add("Labels", output.Assignments(v.Labels))
	if v.When != "" {
		p.Add("When", v.When)
	}
	p.Add("Explicit only", output.Yes(v.ExplicitOnly))
	p.Add("Format", string(cmp.Or(v.Format, message.FormatAnchore)))
	if v.MaxBody > 0 {
		p.Add("Maximum body", humanize.Bytes(uint64(v.MaxBody)))
	}
	p.Add("Pace", paceLine(v.Pace))
	p.Add("User", v.User)
	p.Add("Password", string(v.Password))
	p.Add("Token", string(v.Token))
	p.Add("Signs with", wording.List(v.Signing))
	p.Add("Headers", output.Assignments(v.Headers))
	p.Add("Secret headers", output.Assignments(v.HeaderRefs))
	p.Add("Client certificate", v.CertFile)
	p.Add("Client key", v.KeyFile)
	p.Add("CA file", v.CAFile)
	p.Add("Proxy", cmp.Or(v.Proxy, "the worker's (--webhook-proxy)"))
	p.Add("Timeout", cmp.Or(v.Timeout, endpoint.DefaultTimeout).String())
	p.Write(w)
}

// deliveryCounts are numbers of deliveries by state.
func deliveryCounts(counts map[delivery.State]int) string {
	var parts []string
	for _, state := range operations.DeliveryStates {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

func paceLine(p endpoint.Pace) string {
	var parts []string
	if p.RateLimit > 0 {
		parts = append(parts, fmt.Sprintf("at most %d per minute", p.RateLimit))
	}
	if p.Digest > 0 {
		parts = append(parts, "summary every "+p.Digest.String())
	}
	if p.DigestCount > 0 {
		parts = append(parts, fmt.Sprintf("or after %d notifications", p.DigestCount))
	}
	if p.Debounce > 0 {
		parts = append(parts, "debounced for "+p.Debounce.String())
	}
	return strings.Join(parts, ", ")
}
