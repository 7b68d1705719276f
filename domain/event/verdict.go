package event

import "net/http"

// Verdict is what follows from an attempt.
type Verdict string

// The verdicts.
const (
	VerdictDelivered Verdict = "delivered"
	VerdictRetry     Verdict = "retry"
	VerdictFinal     Verdict = "final"   // refused for good: no further attempt
	VerdictDisable   Verdict = "disable" // the endpoint wants nothing any more
)

// Judge decides about an attempt by the status that answered it; 0 stands for
// no answer, whatever the reason: the connection, the certificate, a refused
// address, a missing secret. All of those can be put right while the
// notification waits, so none of them loses it.
//
// Redirects are not followed and tried again: a receiver under maintenance
// sends them.
func Judge(status int) Verdict {
	switch {
	case status >= 200 && status <= 299:
		return VerdictDelivered
	case status == http.StatusGone:
		return VerdictDisable
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return VerdictRetry
	case status >= 400 && status <= 499:
		return VerdictFinal
	}
	return VerdictRetry
}
