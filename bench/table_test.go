package main

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	var all table
	all.add("tags", 30, "ms", 15)
	all.add("requests", 0, "", 0)
	all.add("size", 12.5, "MiB", noBudget)
	var out strings.Builder
	all.print(&out)
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	want := "|WHAT MEASURED UNIT BUDGET RATIO|tags 30 ms 15 2.00|requests 0 0 -|size 12.5 MiB - -"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestChosen(t *testing.T) {
	if _, err := chosen("poll,mem", []string{"poll", "memory"}); err == nil || !strings.Contains(err.Error(), "poll,memory") {
		t.Error(err)
	}
}

func TestJudge(t *testing.T) {
	idle := effort{time.Second, time.Duration(float64(time.Second) * float64(effort{time.Second, time.Second}.slowdown()))}
	busy := effort{3 * time.Second, idle.cpu}
	for _, test := range []struct {
		after effort
		says  string
	}{{idle, ""}, {busy, "3.0 times too high"}, {effort{time.Second * 3 / 2, idle.cpu * 3 / 2}, "changed by 50 %"}} {
		var out strings.Builder
		judge(&out, idle, test.after)
		if warned := strings.Contains(out.String(), "do not"); warned != (test.says != "") || !strings.Contains(out.String(), test.says) {
			t.Errorf("%s", out.String())
		}
	}
}
