package event_test

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/event"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to int
		want     event.Verdict
	}{
		{0, 199, event.VerdictRetry}, // no answer, and what is no final one
		{200, 299, event.VerdictDelivered},
		{300, 399, event.VerdictRetry}, // redirects are not followed
		{400, 400, event.VerdictFinal},
		{401, 409, event.VerdictRetry}, // the caller or the route is refused, not the body
		{410, 410, event.VerdictDisable},
		{411, 412, event.VerdictRetry},
		{413, 413, event.VerdictFinal},
		{414, 414, event.VerdictRetry}, // the address, which can be changed
		{415, 415, event.VerdictFinal},
		{416, 421, event.VerdictRetry},
		{422, 422, event.VerdictFinal},
		{423, 499, event.VerdictRetry},
		{500, 599, event.VerdictRetry},
		{600, 999, event.VerdictRetry},
	} {
		for status := test.from; status <= test.to; status++ {
			if got := event.Judge(status); got != test.want {
				t.Errorf("status %d: %s, want %s", status, got, test.want)
			}
		}
	}
}
