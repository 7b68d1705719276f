package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// span is the time within which everything of a run happens.
const span = 8 * time.Second

// plan is what happens in one run, and when. It follows from the seed alone.
type plan struct {
	moves  []movePlan
	grow   []time.Duration
	data   time.Duration // negative for no change
	policy time.Duration
	kills  []killPlan
}

type movePlan struct {
	at     time.Duration
	mover  int
	back   bool // to an image that it had before, if there is one
	flawed bool // otherwise: whether the new one is
	broken bool // otherwise: whether the package database of the new one is damaged
}

type killPlan struct {
	at     time.Duration
	victim string
	down   time.Duration // before it comes back
}

// The victims: processes that are killed, counterparts that go away, a receiver
// that refuses what it gets, the workers that analyze, and workflows that are
// canceled.
const (
	worker    = "worker"
	analysis  = "analysis"
	temporal  = "temporal"
	database  = "postgres"
	registry  = "registry"
	receiver  = "receiver"
	refusing  = "receiver-404"
	source    = "feed"
	workflows = "workflows"
)

var victims = []string{worker, analysis, temporal, database, registry, receiver, refusing, source, workflows}

func newPlan(seed int64) plan {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	moment := func() time.Duration { return time.Duration(random.Int64N(int64(span))) }
	sometimes := func() time.Duration {
		if at := moment(); random.IntN(3) > 0 {
			return at
		}
		return -1
	}
	p := plan{data: sometimes(), policy: sometimes()}
	for _, m := range random.Perm(movers)[:1+random.IntN(4)] {
		p.moves = append(p.moves, movePlan{moment(), m, random.IntN(4) == 0, random.IntN(2) == 0, random.IntN(5) == 0})
	}
	for range random.IntN(4) {
		p.grow = append(p.grow, moment())
	}
	for _, v := range random.Perm(len(victims))[:1+random.IntN(3)] {
		// A receiver is gone for less than the first retry takes, which is followed by
		// one in minutes.
		p.kills = append(p.kills, killPlan{moment(), victims[v], 200*time.Millisecond + time.Duration(random.Int64N(int64(4*time.Second)))})
	}
	return p
}

func (p plan) String() string {
	parts := []string{fmt.Sprintf("%d moved", len(p.moves)), fmt.Sprintf("%d grown", len(p.grow))}
	if p.data >= 0 {
		parts = append(parts, "data")
	}
	if p.policy >= 0 {
		parts = append(parts, "policy")
	}
	for _, k := range p.kills {
		parts = append(parts, fmt.Sprintf("-%s@%.1fs", k.victim, k.at.Seconds()))
	}
	return strings.Join(parts, " ")
}
