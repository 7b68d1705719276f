package delivery

import (
	"net/http"
	"slices"
)

// Verdict is what follows from an attempt.
type Verdict string

// The verdicts.
const (
	VerdictDelivered Verdict = "delivered"
	VerdictRetry     Verdict = "retry"
	VerdictFinal     Verdict = "final"   // refused for good: no further attempt
	VerdictDisable   Verdict = "disable" // the endpoint wants nothing any more
)

// refusals are the statuses that speak of the body itself: it is malformed, too
// large, of the wrong media type, or not what the receiver can process. The same
// body would be refused again.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-15.5
var refusals = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}

// Judge decides about an attempt by the status that answered it; 0 stands for
// no answer, whatever the reason: the connection, the certificate, a refused
// address, a missing secret.
//
// Only a refusal of the body gives a notification up. Every other status speaks of
// the caller, the route or the moment: a token that was rotated, an ingress that
// lost its service during a deployment, a receiver under maintenance that
// redirects. All of those can be put right while the notification waits.
func Judge(status int) Verdict {
	switch {
	case status >= 200 && status <= 299:
		return VerdictDelivered
	case status == http.StatusGone:
		return VerdictDisable
	case slices.Contains(refusals, status):
		return VerdictFinal
	}
	return VerdictRetry
}
