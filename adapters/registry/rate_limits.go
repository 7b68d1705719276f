package registry

import (
	"slices"
	"strings"
	"time"
)

// RateLimit is what may be asked of one host at this moment.
type RateLimit struct {
	Host      string
	PerSecond float64
	// Remaining is how many requests may be sent at once; below zero while
	// requests wait for their turn.
	Remaining float64
	// CoolDown is how long the host is left alone: it asked for it, its limit is
	// used up, or it fails; zero while requests are allowed.
	CoolDown time.Duration
}

// RateLimits are those of the hosts that received a request, by name.
func (r *Registry) RateLimits() []RateLimit {
	sessions := r.current.Load().sessions()
	rateLimits := make([]RateLimit, 0, len(sessions))
	for _, h := range sessions {
		rateLimits = append(rateLimits, h.now())
	}
	slices.SortFunc(rateLimits, func(a, b RateLimit) int { return strings.Compare(a.Host, b.Host) })
	return rateLimits
}

func (h *host) now() RateLimit {
	report := h.rateLimit.report()
	closed := time.Duration(0)
	if !report.Until.IsZero() {
		closed = max(0, time.Until(report.Until))
	}
	return RateLimit{Host: h.name, PerSecond: report.RequestsPerSecond, Remaining: h.rateLimit.rate.Tokens(), CoolDown: closed}
}
