package tracing

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// spanKey is the key of the span in a workflow's context.
type spanKey struct{}

// headerKey is the one that all SDKs use.
const headerKey = "_tracer-data"

// Interceptors are for the options of Temporal's client, which passes them on to
// its workers: they carry traces in the headers of workflows, signals, updates
// and activities. There are none where tracing is off. They change no command,
// so histories replay with and without them.
func (t *Tracing) Interceptors() ([]interceptor.ClientInterceptor, error) {
	if !t.On() {
		return nil, nil
	}
	options := opentelemetry.TracerOptions{Tracer: t.Tracer(), SpanContextKey: spanKey{}, HeaderKey: headerKey, DisableQueryTracing: true,
		DisableBaggage: true, AllowInvalidParentSpans: true}
	tracer, err := opentelemetry.NewTracer(options)
	if err != nil {
		return nil, err
	}
	return []interceptor.ClientInterceptor{interceptor.NewTracingInterceptor(tracer), &rounds{tracer: tracer}}, nil
}

// rounds makes each round of a workflow a trace. It comes after the interceptor that
// makes the spans.
type rounds struct {
	interceptor.InterceptorBase
	tracer interceptor.Tracer
}

// InterceptClient implements interceptor.ClientInterceptor.
func (r *rounds) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	out := &fromClient{}
	out.Next = next
	return out
}

// fromClient intercepts the requests of clients.
type fromClient struct {
	interceptor.ClientOutboundInterceptorBase
}

// CreateSchedule implements interceptor.ClientOutboundInterceptor. The runs that a
// schedule starts for years do not belong to the trace that made the schedule.
func (c *fromClient) CreateSchedule(ctx context.Context, in *interceptor.ScheduleClientCreateInput) (client.ScheduleHandle, error) {
	delete(interceptor.Header(ctx), headerKey)
	return c.Next.CreateSchedule(ctx, in)
}

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (r *rounds) InterceptWorkflow(ctx workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &inbound{state: &round{tracer: r.tracer, name: workflow.GetInfo(ctx).WorkflowType.Name}}
	in.Next = next
	return in
}

// round is the current round of a workflow: the span of the steps that no handler
// begins.
type round struct {
	tracer interceptor.Tracer
	name   string
	// run is the span of the workflow itself; cause that of the round, nil while the
	// workflow waits for the next.
	run, cause interceptor.TracerSpan
	own        bool // begin started cause, so end has to finish it
}

// join begins a round in the trace of its caller, unless one is under way.
func (r *round) join(ctx workflow.Context) {
	if r.cause == nil {
		r.cause, _ = ctx.Value(spanKey{}).(interceptor.TracerSpan)
	}
}

// begin begins a round with a trace of its own, unless one is under way.
func (r *round) begin(ctx workflow.Context) {
	if r.cause != nil || workflow.IsReplaying(ctx) {
		return
	}
	span, err := r.tracer.StartSpan(&interceptor.TracerStartSpanOptions{Operation: "Round", Name: r.name, Time: time.Now(),
		Tags: map[string]string{"temporalWorkflowID": workflow.GetInfo(ctx).WorkflowExecution.ID}})
	if err == nil {
		r.cause, r.own = span, true
	}
}

// end ends the round: the workflow goes to sleep.
func (r *round) end() {
	if r.own {
		r.cause.Finish(&interceptor.TracerFinishSpanOptions{})
	}
	r.cause, r.own = nil, false
}

// under is the context for a step: the steps of a handler belong to the handler, all
// others to the round.
func (r *round) under(ctx workflow.Context) workflow.Context {
	if current, _ := ctx.Value(spanKey{}).(interceptor.TracerSpan); current != r.run {
		return ctx
	}
	r.begin(ctx)
	if r.cause == nil {
		return ctx
	}
	return workflow.WithValue(ctx, spanKey{}, r.cause)
}

// inbound intercepts calls to a workflow.
type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	state *round
}

// Init implements interceptor.WorkflowInboundInterceptor.
func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	out := &outbound{state: i.state}
	out.Next = next
	return i.Next.Init(out)
}

// ExecuteWorkflow implements interceptor.WorkflowInboundInterceptor. The first round
// belongs to the trace that started the workflow.
func (i *inbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	i.state.run, _ = ctx.Value(spanKey{}).(interceptor.TracerSpan)
	i.state.join(ctx)
	defer i.state.end()
	return i.Next.ExecuteWorkflow(ctx, in)
}

// HandleSignal implements interceptor.WorkflowInboundInterceptor.
func (i *inbound) HandleSignal(ctx workflow.Context, in *interceptor.HandleSignalInput) error {
	i.state.join(ctx)
	return i.Next.HandleSignal(ctx, in)
}

// ExecuteUpdate implements interceptor.WorkflowInboundInterceptor.
func (i *inbound) ExecuteUpdate(ctx workflow.Context, in *interceptor.UpdateInput) (any, error) {
	i.state.join(ctx)
	return i.Next.ExecuteUpdate(ctx, in)
}

// outbound intercepts calls of a workflow.
type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	state *round
}

// ExecuteActivity implements interceptor.WorkflowOutboundInterceptor.
func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	return o.Next.ExecuteActivity(o.state.under(ctx), name, args...)
}

// ExecuteLocalActivity implements interceptor.WorkflowOutboundInterceptor.
func (o *outbound) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	return o.Next.ExecuteLocalActivity(o.state.under(ctx), name, args...)
}

// NewTimerWithOptions implements interceptor.WorkflowOutboundInterceptor: a
// workflow that sets a timer has done what there was to do.
func (o *outbound) NewTimerWithOptions(ctx workflow.Context, d time.Duration, options workflow.TimerOptions) workflow.Future {
	o.state.end()
	return o.Next.NewTimerWithOptions(ctx, d, options)
}
