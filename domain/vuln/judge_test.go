package vuln_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// now is a day after the data of described was built.
var now = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func described(change ...func(*vuln.Description)) vuln.Description {
	captured := time.Date(2026, 2, 28, 18, 0, 0, 0, time.UTC)
	d := vuln.Description{
		Build: vuln.Build{Checksum: "sha256:a", Built: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Schema: "6.1.10"},
		Providers: []vuln.ProviderState{
			{Name: "debian", Captured: captured, Records: 1000, Rows: 5000}, {Name: "epss", Captured: captured, Records: 80000},
			{Name: "small", Captured: captured, Records: 10, Rows: 10},
		},
		Totals: vuln.Totals{KnownExploited: 1000, Exploitability: 80000, Weaknesses: 500, EndOfLife: 200},
		Scored: captured,
	}
	for _, c := range change {
		c(&d)
	}
	return d
}

func TestJudge(t *testing.T) {
	t.Parallel()
	type reason struct {
		Kind     vuln.HoldKind
		Provider string
	}
	cases := []struct {
		name   string
		change func(*vuln.Description)
		want   []reason
	}{
		{"the same", func(*vuln.Description) {}, nil},
		{"an ordinary day", func(d *vuln.Description) { d.Built = d.Built.AddDate(0, 0, 1); d.Providers[0].Records = 1100 }, nil},
		{"older", func(d *vuln.Description) { d.Built = d.Built.AddDate(0, 0, -1) }, []reason{{vuln.HoldOlder, ""}}},
		{"older, and its providers too", func(d *vuln.Description) {
			d.Built, d.Providers[0].Captured = d.Built.AddDate(0, -1, 0), d.Built.AddDate(0, -1, 0)
		}, []reason{{vuln.HoldOlder, ""}}},
		{"as far ahead as clocks may be", func(d *vuln.Description) { d.Built = now.Add(10 * time.Minute) }, nil},
		{"from the future", func(d *vuln.Description) { d.Built = now.Add(11 * time.Minute) }, []reason{{vuln.HoldFuture, ""}}},
		{"from next month", func(d *vuln.Description) { d.Built = now.AddDate(0, 1, 0) }, []reason{{vuln.HoldFuture, ""}}},
		{"a provider went back", func(d *vuln.Description) { d.Providers[0].Captured = d.Providers[0].Captured.AddDate(0, 0, -2) },
			[]reason{{vuln.HoldProvider, "debian"}}},
		{"a provider went back by hours", func(d *vuln.Description) {
			d.Providers[0].Captured = d.Providers[0].Captured.Add(-20 * time.Hour)
		}, nil},
		{"scores went back", func(d *vuln.Description) { d.Providers[1].Captured = d.Providers[1].Captured.AddDate(0, -1, 0) },
			[]reason{{vuln.HoldProvider, "epss"}}},
		{"unknown schema", func(d *vuln.Description) { d.Newer = true }, []reason{{vuln.HoldSchema, ""}}},
		{"provider gone", func(d *vuln.Description) { d.Providers = d.Providers[1:] }, []reason{{vuln.HoldProvider, "debian"}}},
		{"provider without records gone", func(d *vuln.Description) { d.Providers = []vuln.ProviderState{d.Providers[0], d.Providers[2]} },
			[]reason{{vuln.HoldProvider, "epss"}}},
		{"provider of scores gone, and they with it", func(d *vuln.Description) {
			d.Providers, d.Totals.Exploitability = []vuln.ProviderState{d.Providers[0], d.Providers[2]}, 0
		}, []reason{{vuln.HoldProvider, "epss"}}},
		{"provider new", func(d *vuln.Description) {
			d.Providers = append([]vuln.ProviderState{}, append(d.Providers, vuln.ProviderState{Name: "suse", Records: 9000})...)
		}, nil},
		{"records fell to the bound", func(d *vuln.Description) { d.Providers[0].Records = 900 }, nil},
		{"records fell below it", func(d *vuln.Description) { d.Providers[0].Records = 899 }, []reason{{vuln.HoldCount, "debian"}}},
		{"rows fell", func(d *vuln.Description) { d.Providers[0].Rows = 1 }, []reason{{vuln.HoldCount, "debian"}}},
		{"rows rose", func(d *vuln.Description) { d.Providers[0].Rows = 15001 }, []reason{{vuln.HoldCount, "debian"}}},
		{"few records fell", func(d *vuln.Description) { d.Providers[2].Records = 1 }, nil},
		{"few records vanished", func(d *vuln.Description) { d.Providers[2].Records = 0 }, []reason{{vuln.HoldCount, "small"}}},
		{"known exploited fell", func(d *vuln.Description) { d.Totals.KnownExploited = 0 }, []reason{{vuln.HoldCount, "kev"}}},
		{"scores fell, which is said once", func(d *vuln.Description) { d.Totals.Exploitability, d.Providers[1].Records = 1, 1 },
			[]reason{{vuln.HoldCount, "epss"}}},
		{"end-of-life dates fell", func(d *vuln.Description) { d.Totals.EndOfLife = 10 }, []reason{{vuln.HoldCount, "eol"}}},
		{"weaknesses fell", func(d *vuln.Description) { d.Totals.Weaknesses = 1 }, []reason{{vuln.HoldCount, ""}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []reason
			for _, r := range vuln.Judge(described(), described(c.change), vuln.DefaultLimits, now) {
				got = append(got, reason{r.Kind, r.Provider})
				if r.Text == "" {
					t.Errorf("reason %s has no text", r.Kind)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestJudgeOfTheFirst(t *testing.T) {
	t.Parallel()
	if reasons := vuln.Judge(vuln.Description{}, described(), vuln.DefaultLimits, now); reasons != nil {
		t.Errorf("the first build is held: %v", reasons)
	}
	newer := described(func(d *vuln.Description) { d.Newer = true })
	if reasons := vuln.Judge(vuln.Description{}, newer, vuln.DefaultLimits, now); len(reasons) != 1 {
		t.Errorf("reasons %v, want the schema", reasons)
	}
	for name, change := range map[string]func(*vuln.Description){
		"from the future": func(d *vuln.Description) { d.Built = now.AddDate(0, 0, 30) },
		"empty":           func(d *vuln.Description) { d.Providers = nil },
		"only scores":     func(d *vuln.Description) { d.Providers = d.Providers[1:2] },
	} {
		if reasons := vuln.Judge(vuln.Description{}, described(change), vuln.DefaultLimits, now); len(reasons) != 1 {
			t.Errorf("%s: reasons %v, want one", name, reasons)
		}
	}
}

// TestJudgeAfterTheFuture: data with a date ahead that somebody released does not
// hold the true data after it.
func TestJudgeAfterTheFuture(t *testing.T) {
	t.Parallel()
	ahead := described(func(d *vuln.Description) {
		d.Built = now.AddDate(0, 1, 0)
		d.Providers[0].Captured = d.Built
	})
	if reasons := vuln.Judge(ahead, described(), vuln.DefaultLimits, now); reasons != nil {
		t.Errorf("the true data is on hold: %v", reasons)
	}
	if reasons := vuln.Judge(ahead, described(), vuln.DefaultLimits, now.AddDate(0, 2, 0)); len(reasons) != 1 {
		t.Errorf("reasons %v once the date has come, want that the build is older and nothing else", reasons)
	}
}

func TestWithdrawal(t *testing.T) {
	t.Parallel()
	current := described()
	former := described(func(d *vuln.Description) { d.Built = d.Built.AddDate(0, 0, -1) })
	first, due := vuln.Withdrawal(current, former, now, now)
	if due || first.Kind != vuln.HoldWithdrawn {
		t.Errorf("at once: %+v, due %t", first, due)
	}
	later, due := vuln.Withdrawal(current, former, now, now.Add(6*time.Hour-time.Second))
	if due || later != first {
		t.Errorf("before six hours are over: %+v, due %t", later, due)
	}
	if _, due := vuln.Withdrawal(current, former, now, now.Add(6*time.Hour)); !due {
		t.Error("not due after six hours")
	}
}
