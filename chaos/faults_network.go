package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/postgres"
)

// cutter decides which commits are not answered.
type cutter struct {
	mu     sync.Mutex
	random *rand.Rand // nil while all are
	count  int
}

// spy looks at one connection to the database.
func (c *cutter) spy() lab.Spy {
	commits := postgres.Commits()
	return func(piece []byte) bool { return commits(piece) && c.cuts() }
}

// cuts is true of every second commit or so.
func (c *cutter) cuts() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.random == nil || c.random.IntN(2) == 0 {
		return false
	}
	c.count++
	return true
}

func (c *cutter) set(random *rand.Rand) (count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count = c.count
	c.random, c.count = random, 0
	return count
}

func (c *cutter) counted() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

func (w *world) cutCommits(ctx context.Context, f faultPlan) (string, error) {
	w.cutter.set(rand.New(rand.NewPCG(f.seed, 0)))
	held := until(ctx, faultSpan, func() bool { return w.cutter.counted() > 0 })
	did := fmt.Sprintf("%d commits without an answer", w.cutter.set(nil))
	if !held {
		return did, notHeld(did)
	}
	return did, nil
}

func (w *world) slowDown(ctx context.Context, f faultPlan) (string, error) {
	sum := func(count func(*lab.Link) int) (all int) {
		for _, name := range linked {
			all += count(w.links[name])
		}
		return all
	}
	lost, late := -sum((*lab.Link).Lost), -sum((*lab.Link).Late)
	for n, name := range linked {
		w.links[name].Set(lab.Weather{Latency: slow, Loss: loss, Random: rand.New(rand.NewPCG(f.seed, uint64(n)))})
	}
	held := until(ctx, 2*faultSpan, func() bool { return lost+sum((*lab.Link).Lost) > 0 && late+sum((*lab.Link).Late) > 0 })
	for _, name := range linked {
		w.links[name].Set(lab.Weather{})
	}
	did := fmt.Sprintf("%d answers late, %d connections reset", late+sum((*lab.Link).Late), lost+sum((*lab.Link).Lost))
	if !held {
		return did, notHeld(did)
	}
	return did, nil
}

// staySilent waits until every mute receiver has something to be silent about.
func (w *world) staySilent(ctx context.Context) (string, error) {
	held := until(ctx, faultSpan, func() bool { return w.mute.connected() == mutes })
	did := fmt.Sprintf("%d of %d receivers accepted connections", w.mute.connected(), mutes)
	if !held {
		return did, notHeld(did)
	}
	return did, nil
}
