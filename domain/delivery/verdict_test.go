package delivery_test

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to int
		want     delivery.Verdict
	}{
		{0, 199, delivery.VerdictRetry}, // no answer, and what is no final one
		{200, 299, delivery.VerdictDelivered},
		{300, 399, delivery.VerdictRetry}, // redirects are not followed
		{400, 400, delivery.VerdictFinal},
		{401, 409, delivery.VerdictRetry}, // the caller or the route is refused, not the body
		{410, 410, delivery.VerdictDisable},
		{411, 412, delivery.VerdictRetry},
		{413, 413, delivery.VerdictFinal},
		{414, 414, delivery.VerdictRetry}, // the address, which can be changed
		{415, 415, delivery.VerdictFinal},
		{416, 421, delivery.VerdictRetry},
		{422, 422, delivery.VerdictFinal},
		{423, 499, delivery.VerdictRetry},
		{500, 599, delivery.VerdictRetry},
		{600, 999, delivery.VerdictRetry},
	} {
		for status := test.from; status <= test.to; status++ {
			if got := delivery.Judge(status); got != test.want {
				t.Errorf("status %d: %s, want %s", status, got, test.want)
			}
		}
	}
}
