package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	// rollouts are what happens in the cluster.
	rollouts []rolloutPlan
	fault    *faultPlan // nil for none
}

type movePlan struct {
	at     time.Duration
	mover  int
	back   bool // to an image that it had before, if there is one
	flawed bool // otherwise: whether the new one is
	broken bool // otherwise: whether the package database of the new one is damaged
}

// rolloutPlan is one change of a deployment.
type rolloutPlan struct {
	at     time.Duration
	kind   string
	pick   int  // which deployment, of those that were not changed in this run
	pods   int  // afterwards
	flawed bool // whether the new image is
}

// The changes of deployments.
const (
	deployed   = "deployed"   // a deployment appears, with a new tag
	scaled     = "scaled"     // it has another number of pods, or none
	rolledOut  = "rolled-out" // its tag moves, and its pods are replaced one half after the other
	retagged   = "retagged"   // it has a new tag instead of its former one
	undeployed = "undeployed" // it is deleted
)

var rollouts = []string{deployed, scaled, rolledOut, retagged, undeployed}

type killPlan struct {
	at     time.Duration
	victim string
	down   time.Duration // before it comes back
}

// faultPlan is one stroke of bad luck.
type faultPlan struct {
	at   time.Duration
	kind string
	// Form says which of its forms it takes, one after the other from seed to seed.
	form uint64
	seed uint64
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
	cluster   = "cluster"
)

var victims = []string{worker, analysis, temporal, database, registry, receiver, refusing, source, workflows, cluster}

// The faults: of each run one, in turn.
const (
	cut     = "cut"     // PostgreSQL's connection, between COMMIT and its answer
	latency = "latency" // between all parts, and connections that are reset
	full    = "disk"    // no room, then no inodes, in one directory
	stop    = "stop"    // a process stands still
	clock   = "clock"   // of one worker, two hours ahead and back
	mute    = "mute"    // a hundred receivers accept connections and never answer
	upgrade = "upgrade" // two builds at a time, forward and back
	memory  = "memory"  // of a worker, used up
	outage  = "outage"  // of the cluster: away, standing still, streams broken, versions forgotten
)

var faults = []string{cut, latency, full, stop, clock, mute, upgrade, memory, outage}

// newPlan makes the plan of a seed out of the victims and faults that are chosen.
func newPlan(seed int64, chosen []string) plan {
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
	killed := among(victims, chosen)
	for _, v := range random.Perm(len(killed))[:min(1+random.IntN(3), len(killed))] {
		// A receiver is gone for less than the first retry takes, which is followed by
		// one in minutes.
		p.kills = append(p.kills, killPlan{moment(), killed[v], 200*time.Millisecond + time.Duration(random.Int64N(int64(4*time.Second)))})
	}
	if turns := among(faults, chosen); len(turns) > 0 {
		turn, form := uint64(seed)%uint64(len(turns)), uint64(seed)/uint64(len(turns))
		p.fault = &faultPlan{moment(), turns[turn], form, random.Uint64()}
	}
	for range 1 + random.IntN(3) {
		p.rollouts = append(p.rollouts, rolloutPlan{moment(), rollouts[random.IntN(len(rollouts))], random.Int(), random.IntN(6), random.IntN(2) == 0})
	}
	return p
}

// among are those of all that are chosen.
func among(all, chosen []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(each string) bool { return !slices.Contains(chosen, each) })
}

func (p plan) String() string {
	parts := []string{fmt.Sprintf("%d moved", len(p.moves)), fmt.Sprintf("%d grown", len(p.grow))}
	for _, r := range p.rollouts {
		parts = append(parts, r.kind)
	}
	if p.data >= 0 {
		parts = append(parts, "data")
	}
	if p.policy >= 0 {
		parts = append(parts, "policy")
	}
	for _, k := range p.kills {
		parts = append(parts, fmt.Sprintf("-%s@%.1fs", k.victim, k.at.Seconds()))
	}
	if f := p.fault; f != nil {
		parts = append(parts, fmt.Sprintf("+%s@%.1fs", f.kind, f.at.Seconds()))
	}
	return strings.Join(parts, " ")
}
