package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	row := func(id string, action Action) Row {
		return Row{PolicyID: "p", Gate: "g", Trigger: "t", TriggerID: id, Message: id, Action: action}
	}
	elsewhere := func(id string, action Action) Row {
		r := row(id, action)
		r.PolicyID = "q"
		return r
	}
	waived := row("a", Go)
	waived.Waiver = &Waiver{TriggerID: "a"}
	reworded := row("a", Stop)
	reworded.Message = "(fixed in: 2)"
	fails, passes := Outcome{Fail, Stop, PolicyEvaluation}, Outcome{Pass, Go, PolicyEvaluation}
	of := func(o Outcome, rows ...Row) Evaluation {
		return Evaluation{Status: o.Status, FinalAction: o.FinalAction, Reason: o.Reason, Rows: rows}
	}
	tests := []struct {
		name          string
		before, after Evaluation
		want          Difference
	}{
		{"equal", of(fails, row("a", Stop)), of(fails, row("a", Stop)), Difference{Before: fails, After: fails}},
		{"another message", of(fails, row("a", Stop)), of(fails, reworded), Difference{Before: fails, After: fails}},
		{"appeared", of(passes), of(fails, row("a", Stop)), Difference{Appeared: []Row{row("a", Stop)}, Before: passes, After: fails}},
		{"disappeared", of(fails, row("a", Stop), row("b", Warn)), of(passes, row("b", Warn)), Difference{Disappeared: []Row{row("a", Stop)}, Before: fails, After: passes}},
		{"whitelisted", of(fails, row("a", Stop)), of(passes, waived), Difference{Changed: []RowChange{{row("a", Stop), waived}}, Before: fails, After: passes}},
		{"once less", of(fails, row("a", Stop), row("a", Warn), row("b", Stop)), of(fails, row("b", Stop), row("a", Stop)), Difference{Disappeared: []Row{row("a", Warn)}, Before: fails, After: fails}},
		{"once more", of(fails, row("a", Stop)), of(fails, row("a", Stop), row("a", Go)), Difference{Appeared: []Row{row("a", Go)}, Before: fails, After: fails}},
		{"by another policy", of(fails, row("a", Stop), row("b", Stop)), of(fails, elsewhere("b", Warn), elsewhere("a", Stop)),
			Difference{Changed: []RowChange{{row("b", Stop), elsewhere("b", Warn)}}, Before: fails, After: fails}},
		{"by a second policy", of(fails, row("a", Stop)), of(fails, elsewhere("a", Warn), row("a", Stop)),
			Difference{Appeared: []Row{elsewhere("a", Warn)}, Before: fails, After: fails}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Compare(tt.before, tt.after)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("difference (-want +got)\n%s", diff)
			}
			if got.StatusChanged() != (tt.want.Before.Status != tt.want.After.Status) || got.Empty() != (tt.name == "equal" || tt.name == "another message") {
				t.Errorf("status changed %v, empty %v", got.StatusChanged(), got.Empty())
			}
		})
	}
}
