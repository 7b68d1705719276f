package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// signals are what each signal asks for, for people who meet it in Temporal's own
// tools; docs/temporal.md says the same with examples.
var signals = map[string]string{
	SignalWake:     `Act before the next scheduled time. Input: {"Reason": "manual"}, or for a tag {"Reason": "rescan"} to analyze, match and evaluate anew.`,
	SignalAnalyzed: `The answer to a request for an analysis. Sent by AnalyzeImage. Input: {"Digest": ..., "Problem": ...}.`,
	SignalWanted:   "One more request for the analysis of this image. Sent by watchers. Input: an analysis request.",
}

// upsert sets search attributes, and reports whether it could.
func upsert(ctx workflow.Context, labels ...temporal.SearchAttributeUpdate) bool {
	err := workflow.UpsertTypedSearchAttributes(ctx, labels...)
	if err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
	return err == nil
}

// answers has the status of a workflow notified to whoever queries it.
func answers[T any](ctx workflow.Context, status func() (T, error)) error {
	return workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, status,
		workflow.QueryHandlerOptions{Description: "What this workflow knows and when it acts next. No input."})
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
