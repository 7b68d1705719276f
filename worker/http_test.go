package main

import (
	"context"
	"errors"
	"testing"
)

func TestWithin(t *testing.T) {
	t.Parallel()
	ended, end := context.WithCancel(t.Context())
	end()
	hangs := make(chan struct{})
	t.Cleanup(func() { close(hangs) })
	refused := errors.New("refused")
	for _, test := range []struct {
		name string
		ctx  context.Context
		ask  func(context.Context) error
		want error
	}{
		{"answered", t.Context(), func(context.Context) error { return nil }, nil},
		{"refused", t.Context(), func(context.Context) error { return refused }, refused},
		{"hanging, without an ear for its context", ended, func(context.Context) error { <-hangs; return nil }, context.Canceled},
	} {
		if got := within(test.ctx, test.ask); !errors.Is(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
