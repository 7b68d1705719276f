package main

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func second(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

// TestLateness: only what waits without a reason is late.
func TestLateness(t *testing.T) {
	t.Parallel()
	move := expectation{kind: "tag_update", causes: []string{"image"}} // within 60 s
	type away struct {
		victim string
		began  int
		ended  int // negative: it lasts
	}
	for _, test := range []struct {
		name     string
		of       expectation
		troubles []away
		recorded int // after the change
		came     int
		late     bool
	}{
		{"in time", move, nil, 30, 59, false},
		{"late", move, nil, 60, 61, true},
		{"recorded in time, and delivered late", move, nil, 5, 40, true},
		{"with an analysis", move.of("analysis_update"), nil, 90, 104, false},
		{"too late even with an analysis", move.of("analysis_update"), nil, 100, 106, true},
		{"of data", expectation{kind: "vuln_update", causes: []string{"feed"}}, nil, 70, 74, false},
		{"of a policy, late", expectation{kind: "policy_eval", causes: []string{"policy"}}, nil, 30, 31, true},
		{"while the registry was away", move, []away{{registry, 10, 50}}, 205, 209, false},
		{"after the registry was back for long", move, []away{{registry, 10, 50}}, 205, 212, true},
		{"the registry was away before", move, []away{{registry, -300, -200}}, 60, 61, true},
		{"the registry was away afterwards", move, []away{{registry, 62, 70}}, 60, 61, true},
		{"the data source was away, which it does not need", move, []away{{source, 10, 50}}, 60, 61, true},
		{"the workers that analyze were away, which it does not need", move, []away{{analysis, 0, -1}}, 60, 61, true},
		{"in the middle of an outage", move, []away{{temporal, 10, -1}}, 500, 600, false},
		{"the receiver was away when it was to be delivered", move, []away{{receiver, 20, 30}}, 22, 400, false},
		{"the registry was away while it was delivered", move, []away{{registry, 20, 30}}, 22, 60, true},
		{"before the command returned that caused it", expectation{causes: []string{"policy"}}, nil, -10, -5, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var all troubles
			for _, each := range test.troubles {
				one := &trouble{victims: []string{each.victim}, began: second(each.began)}
				if each.ended >= 0 || each.began < 0 {
					one.ended = second(each.ended)
				}
				all.list = append(all.list, one)
			}
			change := noon
			test.of.change = &change
			var worst lateness
			if late := worst.add(&all, met{test.of, second(test.recorded), second(test.came)}); late != test.late {
				t.Errorf("late: %t, want %t: %s", late, test.late, worst)
			}
		})
	}
}

// TestLatenessAfterARun: once everything has come, no delivery waits for a retry, and
// the next run is held to its limits.
func TestLatenessAfterARun(t *testing.T) {
	t.Parallel()
	l := newLedger(nil)
	l.troubles.list = []*trouble{{victims: []string{receiver}, began: second(-200), ended: second(-190)}}
	later := met{expectation{causes: []string{"policy"}, change: &noon}, second(1), second(40)}
	var worst lateness
	if worst.add(&l.troubles, later) {
		t.Errorf("late in the run of the trouble: %s", worst)
	}
	l.counts()
	if worst = (lateness{}); !worst.add(&l.troubles, later) {
		t.Errorf("not late in the next run: %s", worst)
	}
}

// TestLedgerReportsLate: what comes late fails a run as what does not come.
func TestLedgerReportsLate(t *testing.T) {
	t.Parallel()
	l := newLedger(nil)
	l.met = []met{{expectation{kind: "tag_update", key: "app:1", causes: []string{"image"}, change: &noon}, second(60), second(61)}}
	if err := l.report(); err == nil || !strings.Contains(err.Error(), "late:       tag_update of app:1") || !strings.Contains(err.Error(), "61.0 s after the change (allowed: 60.0 s)") {
		t.Errorf("it says %v", err)
	}
	if worst, _ := l.counts(); worst.count != 1 || worst.took != 61*time.Second {
		t.Errorf("counted %s", worst)
	}
}
