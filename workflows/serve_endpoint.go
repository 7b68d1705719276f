package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/plain"
)

// EndpointState is all that one run of ServeEndpoint hands to the next.
type EndpointState struct {
	Name string
	Last delivery.Round
	At   time.Time
}

// idle is how often an endpoint without pending deliveries is checked, should
// a wake-up have been lost. A check costs about 30 CPU-ms: a hundred endpoints, a
// hundredth of a core.
const idle = 5 * time.Minute

// ServeEndpoint sends the deliveries of one endpoint, oldest first. It is started, or woken
// if it runs, when the endpoint is added or changed, when deliveries to it were stored, and
// by Reconcile.
//
// A round (Deliver) makes the attempts that are due. The deliveries are rows of the store,
// with the time of their next attempt, and outlive whatever happens here: this workflow is
// the timer for their retries and the one place that sends, so that an endpoint that does
// not respond delays no other. A receiver that fails is an outcome of a round, not a failed
// round. After a crash only the attempts under way are repeated, with the same ids.
//
// It ends after a round that finds that the endpoint was deleted. While the endpoint is
// disabled it goes on, and sends nothing.
func ServeEndpoint(ctx workflow.Context, state EndpointState) error {
	err := answers(ctx, func() (EndpointState, error) { return state, nil })
	if err != nil {
		return err
	}
	about := followed{condition.Endpoint, state.Name, EndpointSummary(state.Name), func() string { return endpointDetails(state) }, nil}
	if over, err := rounds(ctx, about, state.serve); over || err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, ServeEndpoint, state)
}

// serve makes the attempts that are due.
func (s *EndpointState) serve(ctx workflow.Context) (outlook, error) {
	round, err := call(ctx, delivering, "send the due deliveries", Activities.Deliver, s.Name)
	if err != nil {
		return outlook{}, err
	}
	s.Last, s.At = round, workflow.Now(ctx)
	return outlook{over: !round.Active, wait: untilNext(ctx, round)}, nil
}

// untilNext is the time until the next attempt is due.
func untilNext(ctx workflow.Context, round delivery.Round) time.Duration {
	if round.Next.IsZero() {
		return idle
	}
	return min(idle, max(round.Next.Sub(workflow.Now(ctx)), time.Millisecond))
}

func EndpointSummary(name string) string { return "Deliveries to endpoint " + name }

func endpointDetails(state EndpointState) string {
	if state.At.IsZero() {
		return ""
	}
	round := state.Last
	headline := "Healthy"
	switch round.State.Health(round.GivenUp) {
	case delivery.HealthDisabled:
		headline = "Disabled: " + plain.Markdown(round.State.Reason)
	case delivery.HealthFailing:
		headline = "Failing since " + shortTime(round.State.FailingSince)
	case delivery.HealthGivingUp:
		headline = fmt.Sprintf("Giving up: %d notifications lost within a day, the last %s: %s",
			round.GivenUp.Count, shortTime(round.GivenUp.Last), plain.Markdown(round.GivenUp.Answer))
	}
	details := fmt.Sprintf("### %s\n\n| | |\n|---|---|\n| **Pending** | %d |\n", headline, round.Pending)
	for _, row := range [][2]string{{"Oldest pending", shortTime(round.Oldest)}, {"Next attempt", shortTime(round.Next)},
		{"Last answer", plain.Markdown(round.State.LastAnswer)}, {"Last round", shortTime(state.At)}} {
		if row[1] != "" {
			details += fmt.Sprintf("| **%s** | %s |\n", row[0], row[1])
		}
	}
	return details + fmt.Sprintf("\nLast round: %d delivered, %d to be retried, %d given up, %d not sent as changes canceled out.\n",
		round.Delivered, round.Retried, round.Failed, round.Debounced)
}
