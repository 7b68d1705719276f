package operations

import "context"

// Remote carries operations out at a server, which admits the caller by a token.
type Remote interface {
	// Do sends a call and fills its answer. What the server refuses is a *Refusal or an
	// *InvalidValue, as if the operation ran here.
	Do(ctx context.Context, call Call) error
}

// Call is an operation with one request.
type Call struct {
	// Name, Method and Path are the operation's.
	Name, Method, Path string
	Request            any
	// Answer points to what the answer is decoded into.
	Answer any
}

func (o Operation[Request, Answer]) runAt(ctx context.Context, server Remote, request Request) (answer Answer, err error) {
	err = server.Do(ctx, Call{Name: o.Name, Method: o.Method, Path: o.Path, Request: request, Answer: &answer})
	return answer, err
}
