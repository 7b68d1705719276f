package registry

import (
	"slices"
	"strings"
	"time"
)

// Budget is what may be asked of one host at this moment.
type Budget struct {
	Host      string
	PerSecond float64
	// Remaining is how many requests may be sent at once; below zero while
	// requests wait for their turn.
	Remaining float64
	// CoolDown is how long the host is left alone: it asked for it, its limit is
	// used up, or it fails; zero while it is asked.
	CoolDown time.Duration
}

// Budgets are those of the hosts that were asked for anything, by name.
func (r *Registry) Budgets() []Budget {
	sessions := r.current.Load().sessions()
	budgets := make([]Budget, 0, len(sessions))
	for _, h := range sessions {
		budgets = append(budgets, h.now())
	}
	slices.SortFunc(budgets, func(a, b Budget) int { return strings.Compare(a.Host, b.Host) })
	return budgets
}

func (h *host) now() Budget {
	report := h.budget.report()
	closed := time.Duration(0)
	if !report.Until.IsZero() {
		closed = max(0, time.Until(report.Until))
	}
	return Budget{Host: h.name, PerSecond: report.RequestsPerSecond, Remaining: h.budget.rate.Tokens(), CoolDown: closed}
}
