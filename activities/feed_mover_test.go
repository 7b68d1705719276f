package activities_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	realfeed "github.com/tagwatch/tagwatch/adapters/feed"
	realmatcher "github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/lab/process"
)

// mover is what a process of its own gets to move to the data of one listing after
// the other, so that its memory is that of a worker which does nothing else.
type mover struct {
	Database, Disk string
	Listings       []string
	Out            string // file for what came of it
}

// moved is what a move to other data takes, in CPU time and in bytes.
type moved struct {
	Fetch, CPU      time.Duration // up to the verified build, and from there
	FetchPeak, Peak int64
	Advanced        databuild.Advanced
	Tags            int           // that the data concern
	Listing         time.Duration // to find them
}

const moverVariable = "TAGWATCH_TEST_MOVER"

// move has a process move to both days.
func (r *feedRun) move() (all, day moved) {
	r.Helper()
	r.mover.Out = r.TempDir() + "/moved.json"
	order, err := json.Marshal(r.mover)
	mustBench(r.B, err)
	command := exec.Command(os.Args[0], "-test.run=^TestMover$", "-test.timeout=30m", "-test.cpuprofile="+os.Getenv("TAGWATCH_TEST_MOVER_PROFILE"))
	command.Env = append(os.Environ(), moverVariable+"="+string(order))
	output, err := command.CombinedOutput()
	if err != nil {
		r.Fatalf("move to other data: %v: %s", err, bytes.TrimSpace(output))
	}
	text, err := os.ReadFile(r.mover.Out)
	mustBench(r.B, err)
	var moves []moved
	mustBench(r.B, json.Unmarshal(text, &moves))
	return moves[0], moves[1]
}

// TestMover is the process that moves.
func TestMover(t *testing.T) {
	order := os.Getenv(moverVariable)
	if order == "" {
		t.Skip("a process of BenchmarkFeed")
	}
	var m mover
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(json.Unmarshal([]byte(order), &m))
	database, err := store.Open(t.Context(), m.Database)
	must(err)
	defer database.Close()
	var moves []moved
	for _, listing := range m.Listings {
		disk, err := realfeed.Open(m.Disk, realfeed.Options{URL: listing})
		must(err)
		matcher := realmatcher.New(disk.Path)
		moves = append(moves, moveOnce(t, stepsOf(database, disk, matcher), database))
		must(matcher.Close())
	}
	text, err := json.Marshal(moves)
	must(err)
	must(os.WriteFile(m.Out, text, 0o600))
}

func moveOnce(t *testing.T, r *rig, database *store.Store) (m moved) {
	measure := func(do func()) (time.Duration, int64) {
		_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins anew where the kernel permits it
		began := processCPU()
		do()
		used, err := process.Of(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		return processCPU() - began, used.Peak
	}
	var fetched databuild.Fetched
	m.Fetch, m.FetchPeak = measure(func() { answer(t, r, r.steps.FetchFeed, databuild.SyncRequest{}, &fetched) })
	if fetched.Build == nil {
		t.Fatalf("nothing to move to: %+v", fetched)
	}
	m.CPU, m.Peak = measure(func() {
		answer(t, r, r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current}, &m.Advanced)
	})
	m.Listing, _ = measure(func() {
		affected, err := database.Outcomes(t.Context(), watch.OutcomeFilter{Build: m.Advanced.Build})
		if err != nil {
			t.Fatal(err)
		}
		m.Tags = len(affected)
	})
	return m
}

// answer runs a step as a worker does.
func answer(t *testing.T, r *rig, step, in, out any) {
	t.Helper()
	env := environment(r, context.Background())
	env.SetTestTimeout(20 * time.Minute)
	value, err := env.ExecuteActivity(step, in)
	if err == nil {
		err = value.Get(out)
	}
	if err != nil {
		t.Fatal(err)
	}
}
