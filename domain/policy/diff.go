package policy

// Difference compares two evaluations of one image, made for two bundles or at two
// times.
type Difference struct {
	Appeared    []Row       `json:"appeared"`
	Disappeared []Row       `json:"disappeared"`
	Changed     []RowChange `json:"changed"`
	Before      Outcome     `json:"before"`
	After       Outcome     `json:"after"`
}

// RowChange is a row of both evaluations with different decisions.
type RowChange struct {
	Before Row `json:"before"`
	After  Row `json:"after"`
}

// Outcome is the result of an evaluation, without its rows.
type Outcome struct {
	Status      Status `json:"status"`
	FinalAction Action `json:"final_action"`
	Reason      Reason `json:"reason"`
}

// Outcome is the result without the rows.
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

// keyAnywhere is keyOf without the policy: after a change of the mapping, another
// policy decides about the same finding.
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

// Rows can repeat: the first of one evaluation belongs to the first of the other, and
// so on.
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

func redecided(a, b Row) bool {
	return a.Action != b.Action || (a.Waiver == nil) != (b.Waiver == nil)
}
