package delivery

import (
	"net/http"
	"slices"
)

// Verdict is the consequence of an attempt.
type Verdict string

// The verdicts.
const (
	VerdictDelivered Verdict = "delivered"
	VerdictRetry     Verdict = "retry"
	VerdictFinal     Verdict = "final"   // rejected: no further attempt
	VerdictDisable   Verdict = "disable" // the endpoint wants no more notifications
)

// refusals are the statuses about the body itself: it is malformed, too large, of the wrong
// media type, or cannot be processed. The same body would be rejected again.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-15.5
var refusals = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}

// Judge decides about an attempt by the status that answered it; 0 stands for
// no answer, whatever the reason: the connection, the certificate, a refused
// address, a missing secret.
//
// Only a rejected body ends the attempts. Every other status is about the caller, the route
// or the time: a token that was rotated, an ingress that lost its service during a
// deployment, a receiver under maintenance that redirects. All of those can be fixed while
// the notification waits.
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
