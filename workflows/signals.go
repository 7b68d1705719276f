package workflows

import "go.temporal.io/sdk/workflow"

// onSignal hands every signal of that name to a function, for as long as the
// run lives.
func onSignal[T any](ctx workflow.Context, name string, handle func(T)) {
	channel := workflow.GetSignalChannel(ctx, name)
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

// handled waits until no handler of an update is under way.
func handled(ctx workflow.Context) error {
	return await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}
