package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// signals describe each signal in Temporal's own tools; docs/temporal.md says the same with
// examples.
var signals = map[string]string{
	SignalWake:     `Act now instead of at the next scheduled time. Input: {"Reason": "manual"}. WatchTag also takes {"Reason": "rescan"}: analyze, match and evaluate again.`,
	SignalAnalyzed: `The result of a requested analysis. AnalyzeImage sends it; not for people. Input: {"Digest": ..., "Problem": ...}.`,
	SignalTurn:     "A request for a run of a workflow of which there is one at a time. The API and the command line send it; not for people. Input: the run.",
	SignalWanted:   "A request for the analysis of this image. WatchTag and RenewAnalyses send it; not for people. Input: the request.",
}

// upsert sets search attributes, and reports whether it could.
func upsert(ctx workflow.Context, labels ...temporal.SearchAttributeUpdate) bool {
	err := workflow.UpsertTypedSearchAttributes(ctx, labels...)
	if err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
	return err == nil
}

// answers sets the handler of the query QueryStatus.
func answers[T any](ctx workflow.Context, status func() (T, error)) error {
	return workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, status,
		workflow.QueryHandlerOptions{Description: "The state of this workflow. No input."})
}

// onSignal hands every signal of that name to a function, for as long as the
// run lives.
func onSignal[T any](ctx workflow.Context, name string, handle func(T)) {
	channel := workflow.GetSignalChannelWithOptions(ctx, name, workflow.SignalChannelOptions{Description: signals[name]})
	workflow.GoNamed(ctx, name, func(ctx workflow.Context) {
		for {
			var argument T
			if !channel.Receive(ctx, &argument) {
				return
			}
			handle(argument)
		}
	})
}

// readSignals lets the functions of onSignal handle what has arrived. Signals
// come in batches with other events, of which the workflow itself hears first: a
// run that ended at once would drop them. Its error is that of a canceled workflow.
func readSignals(ctx workflow.Context) error {
	read := false
	// Coroutines take turns in the order of their creation: this one comes last.
	workflow.GoNamed(ctx, "signals read", func(workflow.Context) { read = true })
	return await(ctx, func() bool { return read })
}
