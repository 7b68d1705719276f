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
		{400, 407, event.VerdictFinal},
		{408, 408, event.VerdictRetry},
		{409, 409, event.VerdictFinal},
		{410, 410, event.VerdictDisable},
		{411, 424, event.VerdictFinal},
		{425, 425, event.VerdictRetry},
		{426, 428, event.VerdictFinal},
		{429, 429, event.VerdictRetry},
		{430, 499, event.VerdictFinal},
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
