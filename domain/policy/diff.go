package policy

// Difference is what sets two evaluations of one image apart, made for two
// bundles or at two moments.
type Difference struct {
	Appeared    []Row       `json:"appeared"`
	Disappeared []Row       `json:"disappeared"`
	Changed     []RowChange `json:"changed"`
	// Before and After are the outcomes.
	Before Outcome `json:"before"`
	After  Outcome `json:"after"`
}

// RowChange is a row that is in both evaluations and was decided differently.
type RowChange struct {
	Before Row `json:"before"`
	After  Row `json:"after"`
}

// Outcome is what an evaluation comes to.
type Outcome struct {
	Status      Status `json:"status"`
	FinalAction Action `json:"final_action"`
	Reason      Reason `json:"reason"`
}

// Outcome is what the evaluation comes to.
func (e Evaluation) Outcome() Outcome { return Outcome{e.Status, e.FinalAction, e.Reason} }

// StatusChanged tells whether one passes and the other fails.
func (d Difference) StatusChanged() bool { return d.Before.Status != d.After.Status }

// Empty tells whether the evaluations differ in neither rows nor outcome.
func (d Difference) Empty() bool {
	return len(d.Appeared)+len(d.Disappeared)+len(d.Changed) == 0 && d.Before == d.After
}

// rowKey identifies what a row is about. Messages are not part of it: they name
// fixes, which come and go.
type rowKey struct{ policy, gate, trigger, id string }

func keyOf(r Row) rowKey { return rowKey{r.PolicyID, r.Gate, r.Trigger, r.TriggerID} }

// Compare pairs the rows of two evaluations. Rows can repeat: the first of one
// belongs to the first of the other, and so on.
func Compare(before, after Evaluation) Difference {
	d := Difference{Before: before.Outcome(), After: after.Outcome()}
	waiting := map[rowKey][]Row{}
	for _, r := range before.Rows {
		waiting[keyOf(r)] = append(waiting[keyOf(r)], r)
	}
	for _, r := range after.Rows {
		key := keyOf(r)
		if len(waiting[key]) == 0 {
			d.Appeared = append(d.Appeared, r)
			continue
		}
		old := waiting[key][0]
		waiting[key] = waiting[key][1:]
		if redecided(old, r) {
			d.Changed = append(d.Changed, RowChange{old, r})
		}
	}
	d.Disappeared = remaining(before.Rows, waiting)
	return d
}

// redecided tells whether the rows were decided differently.
func redecided(a, b Row) bool {
	return a.Action != b.Action || (a.Excuse == nil) != (b.Excuse == nil)
}

// remaining are the rows that found no partner, in their order: the last ones of
// each key.
func remaining(rows []Row, waiting map[rowKey][]Row) []Row {
	total := map[rowKey]int{}
	for _, r := range rows {
		total[keyOf(r)]++
	}
	var left []Row
	for _, r := range rows {
		key := keyOf(r)
		if total[key] <= len(waiting[key]) {
			left = append(left, r)
		}
		total[key]--
	}
	return left
}
