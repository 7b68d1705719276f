package vuln_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

func described(change ...func(*vuln.Description)) vuln.Description {
	d := vuln.Description{
		Generation: vuln.Generation{Checksum: "sha256:a", Built: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Schema: "6.1.10"},
		Providers: []vuln.ProviderState{
			{Name: "debian", Records: 1000, Rows: 5000}, {Name: "epss"}, {Name: "small", Records: 10, Rows: 10},
		},
		Totals: vuln.Totals{KnownExploited: 1000, Exploitability: 80000, Weaknesses: 500},
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
		{"unknown schema", func(d *vuln.Description) { d.Newer = true }, []reason{{vuln.HoldSchema, ""}}},
		{"provider gone", func(d *vuln.Description) { d.Providers = d.Providers[1:] }, []reason{{vuln.HoldProvider, "debian"}}},
		{"provider without records gone", func(d *vuln.Description) { d.Providers = []vuln.ProviderState{d.Providers[0], d.Providers[2]} },
			[]reason{{vuln.HoldProvider, "epss"}}},
		{"provider new", func(d *vuln.Description) {
			d.Providers = append([]vuln.ProviderState{}, append(d.Providers, vuln.ProviderState{Name: "suse", Records: 9000})...)
		}, nil},
		{"records fell to the bound", func(d *vuln.Description) { d.Providers[0].Records = 900 }, nil},
		{"records fell below it", func(d *vuln.Description) { d.Providers[0].Records = 899 }, []reason{{vuln.HoldCount, "debian"}}},
		{"rows fell", func(d *vuln.Description) { d.Providers[0].Rows = 1 }, []reason{{vuln.HoldCount, "debian"}}},
		{"rows rose", func(d *vuln.Description) { d.Providers[0].Rows = 15001 }, []reason{{vuln.HoldCount, "debian"}}},
		{"few records fell", func(d *vuln.Description) { d.Providers[2].Records = 1 }, nil},
		{"known exploited fell", func(d *vuln.Description) { d.Totals.KnownExploited = 0 }, []reason{{vuln.HoldCount, ""}}},
		{"scores fell", func(d *vuln.Description) { d.Totals.Exploitability = 1 }, []reason{{vuln.HoldCount, ""}}},
		{"weaknesses fell", func(d *vuln.Description) { d.Totals.Weaknesses = 1 }, []reason{{vuln.HoldCount, ""}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []reason
			for _, r := range vuln.Judge(described(), described(c.change), vuln.DefaultLimits) {
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
	if reasons := vuln.Judge(vuln.Description{}, described(), vuln.DefaultLimits); reasons != nil {
		t.Errorf("the first generation is held: %v", reasons)
	}
	newer := described(func(d *vuln.Description) { d.Newer = true })
	if reasons := vuln.Judge(vuln.Description{}, newer, vuln.DefaultLimits); len(reasons) != 1 {
		t.Errorf("reasons %v, want the schema", reasons)
	}
}
