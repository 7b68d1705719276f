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
	// CoolDown is how long the host asked to be left alone; zero if it did not.
	CoolDown time.Duration
}

// Budgets are those of the hosts that were asked for anything, by name.
func (r *Registry) Budgets() []Budget {
	r.mu.Lock()
	defer r.mu.Unlock()
	budgets := make([]Budget, 0, len(r.hosts))
	for _, h := range r.hosts {
		budgets = append(budgets, h.budget.now())
	}
	slices.SortFunc(budgets, func(a, b Budget) int { return strings.Compare(a.Host, b.Host) })
	return budgets
}

func (b *budget) now() Budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Budget{Host: b.host, PerSecond: float64(b.rate.Limit()), Remaining: b.rate.Tokens(), CoolDown: max(0, time.Until(b.coolUntil))}
}
