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

// StatusChanged reports whether one passes and the other fails.
func (d Difference) StatusChanged() bool { return d.Before.Status != d.After.Status }

// Empty reports whether the evaluations differ in neither rows nor outcome.
func (d Difference) Empty() bool {
	return len(d.Appeared)+len(d.Disappeared)+len(d.Changed) == 0 && d.Before == d.After
}

// rowKey identifies what a row is about. Messages are not part of it: they name
// fixes, which come and go.
type rowKey struct{ policy, gate, trigger, id string }

func keyOf(r Row) rowKey { return rowKey{r.PolicyID, r.Gate, r.Trigger, r.TriggerID} }

// keyAnywhere is keyOf without the policy: what another policy decides, as after
// a change of the mapping, is the same finding still.
func keyAnywhere(r Row) rowKey { return rowKey{"", r.Gate, r.Trigger, r.TriggerID} }

// Compare pairs the rows of two evaluations, those of one policy first.
func Compare(before, after Evaluation) Difference {
	d := Difference{Before: before.Outcome(), After: after.Outcome()}
	older, newer := before.Rows, after.Rows
	for _, key := range []func(Row) rowKey{keyOf, keyAnywhere} {
		var changed []RowChange
		changed, older, newer = pair(older, newer, key)
		d.Changed = append(d.Changed, changed...)
	}
	d.Disappeared, d.Appeared = older, newer
	return d
}

// pair finds the rows with equal keys, and returns those that were decided
// differently, and those without a partner, in their order. Rows can repeat: the
// first of one belongs to the first of the other, and so on.
func pair(before, after []Row, key func(Row) rowKey) (changed []RowChange, older, newer []Row) {
	waiting := map[rowKey][]int{}
	for i, r := range before {
		waiting[key(r)] = append(waiting[key(r)], i)
	}
	paired := map[int]bool{}
	for _, r := range after {
		candidates := waiting[key(r)]
		if len(candidates) == 0 {
			newer = append(newer, r)
			continue
		}
		old := before[candidates[0]]
		paired[candidates[0]], waiting[key(r)] = true, candidates[1:]
		if redecided(old, r) {
			changed = append(changed, RowChange{old, r})
		}
	}
	for i, r := range before {
		if !paired[i] {
			older = append(older, r)
		}
	}
	return changed, older, newer
}

// redecided reports whether the rows were decided differently.
func redecided(a, b Row) bool {
	return a.Action != b.Action || (a.Waiver == nil) != (b.Waiver == nil)
}
