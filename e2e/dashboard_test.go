package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// dashboard is what the tests check of Grafana's dashboard.
type dashboard struct {
	Annotations struct{ List []struct{ Expr string } }
	Panels      []panel
}

// panel is one of the dashboard, or a row of them.
type panel struct {
	ID          int
	Type, Title string
	Datasource  struct{ UID string }
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct{ Expr string }
	Panels      []panel // of a row that is collapsed
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var shown dashboard
	must(t, json.Unmarshal([]byte(read(t, "../deploy/grafana/tagwatch.json")), &shown))
	return shown
}

// all are the panels with those of the collapsed rows.
func (d dashboard) all() []panel {
	var panels []panel
	for _, p := range d.Panels {
		panels = append(append(panels, p), p.Panels...)
	}
	return panels
}

const gridWidth = 24

// TestDashboardIsSound holds the dashboard to what Grafana does not complain
// about, and shows wrongly: panels that cover each other or have one number, and
// panels with a data source of their own instead of the chosen one.
func TestDashboardIsSound(t *testing.T) {
	numbers, covered := map[int]string{}, map[[2]int]string{}
	for _, p := range readDashboard(t).all() {
		if other, taken := numbers[p.ID]; taken || p.ID == 0 {
			t.Errorf("%s has the number %d, as has %q", p.Title, p.ID, other)
		}
		numbers[p.ID] = p.Title
		if p.Type != "row" && (p.Datasource.UID != "${datasource}" || len(p.Targets) == 0) {
			t.Errorf("%s asks %q %d questions", p.Title, p.Datasource.UID, len(p.Targets))
		}
		for _, problem := range cover(covered, p) {
			t.Error(problem)
		}
	}
	if len(numbers) < 30 {
		t.Errorf("the dashboard has %d panels only", len(numbers))
	}
}

// cover marks the cells of a panel, and reports which are outside or taken.
func cover(covered map[[2]int]string, p panel) []string {
	at := p.GridPos
	if at.X < 0 || at.W < 1 || at.H < 1 || at.X+at.W > gridWidth {
		return []string{fmt.Sprintf("%s leaves the grid: %+v", p.Title, at)}
	}
	var problems []string
	for x := at.X; x < at.X+at.W; x++ {
		for y := at.Y; y < at.Y+at.H; y++ {
			cell := [2]int{x, y}
			if other, taken := covered[cell]; taken {
				problems = append(problems, fmt.Sprintf("%s covers %s at %v", p.Title, other, cell))
			}
			covered[cell] = p.Title
		}
	}
	return problems
}
