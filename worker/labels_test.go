package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/message"
)

func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	hosts := &labels{most: 2}
	for _, test := range []struct{ value, want string }{
		{"a", "a"}, {"b", "b"}, {"c", otherLabel}, {"a", "a"}, {"d", otherLabel}, {"b", "b"},
	} {
		if got := hosts.of(test.value); got != test.want {
			t.Errorf("%s is shown as %s, want %s", test.value, got, test.want)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"none", nil, "ok"},
		{"of a kind", fmt.Errorf("look up: %w", errkind.NotFound), "NotFound"},
		{"of a step", temporal.NewApplicationError("no", "Unavailable"), "Unavailable"},
		{"of a step, of no kind", temporal.NewApplicationError("no", "https://user:secret@example.com"), otherLabel},
		{"canceled", fmt.Errorf("match: %w", context.Canceled), "Canceled"},
		{"anything", errors.New("broken"), otherLabel},
	} {
		if got := outcomeOf(test.err); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestDeliveryOutcomes(t *testing.T) {
	t.Parallel()
	sender, err := webhook.New(webhook.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.Close)
	noSecret := endpoint.Endpoint{Name: "ops", URL: "https://example.com", Token: "env:TAGWATCH_TEST_NOT_SET"}
	for _, test := range []struct {
		name   string
		answer delivery.Answer
		want   string
	}{
		{"taken", delivery.Answer{Status: 204}, "2xx"},
		{"broken", delivery.Answer{Status: 503}, "5xx"},
		{"no answer", delivery.Answer{Err: errors.New("broken")}, otherLabel},
		{"no secret", sender.Send(t.Context(), noSecret, message.Post{}), "secret"},
	} {
		if got := deliveryOutcome(test.answer); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
