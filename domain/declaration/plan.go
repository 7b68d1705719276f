package declaration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Action is what becomes of a thing.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Adopt     Action = "adopt" // made by hand, and the owner's from now on
	Delete    Action = "delete"
	Unchanged Action = "unchanged"
	LeftAlone Action = "left alone" // made by hand
)

// FieldChange is a field that changes. Secrets are not in it.
type FieldChange struct {
	Field  string `json:"field"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Change is what becomes of one thing.
type Change struct {
	Action Action `json:"action"`
	Key
	Fields []FieldChange `json:"fields,omitempty"`
	// Place is where it is declared; missing for one that is deleted.
	Place *Place `json:"place,omitempty"`

	// Declared is missing for one that is deleted, Stored for one that is created.
	Declared, Stored *Thing `json:"-"`
}

// Options say what a plan may do.
type Options struct {
	// Prune deletes what the owner has and does not list.
	Prune bool
	// Adopt takes what was made by hand.
	Adopt bool
	Now   time.Time
}

// Plan is what has to change for the declared things to be stored. Its changes are in
// the order in which they are made.
type Plan struct {
	Owner   string   `json:"owner"`
	Changes []Change `json:"changes"`
}

// Count is how many things have one of those actions.
func (p Plan) Count(actions ...Action) (n int) {
	for _, c := range p.Changes {
		if slices.Contains(actions, c.Action) {
			n++
		}
	}
	return n
}

// Empty reports that nothing is to change.
func (p Plan) Empty() bool { return p.Count(Create, Update, Adopt, Delete) == 0 }

// Conflict is that things belong to another owner.
type Conflict []string

func (c Conflict) Error() string { return strings.Join(c, "\n") }

// Unwrap returns the kind.
func (c Conflict) Unwrap() error { return errkind.Conflict }

// Taken is the line of a conflict about one thing.
func Taken(k Key, owner string) string {
	return fmt.Sprintf("%s %s belongs to owner %q; remove it from one of the documents, and apply that with --prune if it is the other owner's", k.Kind, k.Name, owner)
}

// NewPlan compares what is declared with what is stored. It is a Conflict if anything
// belongs to another owner: then nothing is to change at all.
func NewPlan(declared Declared, stored []Thing, o Options) (Plan, error) {
	plan := Plan{Owner: declared.Owner, Changes: []Change{}}
	byKey := map[Key]*Thing{}
	for i := range stored {
		byKey[stored[i].Key] = &stored[i]
	}
	listed, conflict, activates := map[Key]bool{}, Conflict{}, false
	for i := range declared.Things {
		wanted := &declared.Things[i]
		listed[wanted.Key] = true
		activates = activates || wanted.Bundle != nil && wanted.Bundle.Active
		existing := byKey[wanted.Key]
		if existing != nil && existing.Owner != "" && existing.Owner != declared.Owner {
			conflict = append(conflict, wanted.Place.String()+": "+Taken(wanted.Key, existing.Owner))
			continue
		}
		plan.Changes = append(plan.Changes, changeOf(wanted, existing, o))
	}
	for i := range stored {
		if t := &stored[i]; o.Prune && t.Owner == declared.Owner && !listed[t.Key] {
			if t.Bundle != nil && t.Bundle.Active && !activates {
				conflict = append(conflict, fmt.Sprintf("policy %s is active and no longer declared; declare another one with active: true", t.Name))
			}
			plan.Changes = append(plan.Changes, Change{Action: Delete, Key: t.Key, Stored: t})
		}
	}
	if len(conflict) > 0 {
		return Plan{}, conflict
	}
	slices.SortStableFunc(plan.Changes, order)
	return plan, nil
}

// order makes things after those that they name, and deletes in the reverse order after
// everything is made.
func order(a, b Change) int {
	if (a.Action == Delete) != (b.Action == Delete) {
		if a.Action == Delete {
			return 1
		}
		return -1
	}
	by := slices.Index(Kinds, a.Kind) - slices.Index(Kinds, b.Kind)
	if a.Action == Delete {
		by = -by
	}
	if by == 0 && a.Action == Delete {
		by = strings.Compare(a.Name, b.Name)
	}
	return by
}

func changeOf(wanted, existing *Thing, o Options) Change {
	c := Change{Key: wanted.Key, Place: &wanted.Place, Declared: wanted, Stored: existing}
	c.Fields = differences(existing, wanted)
	switch {
	case existing == nil && wanted.Acceptance != nil && wanted.Acceptance.State(o.Now) == acceptance.Ended:
		c.Action, c.Fields = Unchanged, nil // there is nothing left to accept
	case existing == nil:
		c.Action = Create
	case existing.Owner == "" && o.Adopt:
		c.Action = Adopt
	case existing.Owner == "":
		c.Action = LeftAlone
	case len(c.Fields) > 0:
		c.Action = Update
	default:
		c.Action = Unchanged
	}
	return c
}

// unsaid are the fields that stay as they are if a document does not mention them.
func unsaid(wanted *Thing) []string {
	switch {
	case wanted.Bundle != nil:
		return []string{"active"}
	case wanted.Watched != nil:
		return []string{"interval"}
	}
	return nil
}

// differences compares the settings themselves, and shows what may be shown of them.
func differences(existing, wanted *Thing) (changes []FieldChange) {
	before, shownBefore := map[string]string{}, map[string]string{}
	if existing != nil {
		before, shownBefore = existing.fields(), existing.disclosed().fields()
	}
	after, shownAfter := wanted.fields(), wanted.disclosed().fields()
	for _, name := range unsaid(wanted) {
		if _, said := after[name]; !said {
			delete(before, name)
		}
	}
	names := map[string]bool{}
	maps.Copy(names, present(before))
	maps.Copy(names, present(after))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if was, had := before[name]; had {
			if is, has := after[name]; has && was == is {
				continue
			}
		}
		change := FieldChange{Field: name, Before: shownBefore[name], After: shownAfter[name]}
		if _, had := before[name]; !had {
			change.Before = ""
		}
		if change.Before != "" && change.Before == change.After {
			change.After += " (changed)"
		}
		changes = append(changes, change)
	}
	return changes
}

func present(fields map[string]string) map[string]bool {
	names := map[string]bool{}
	for name := range fields {
		names[name] = true
	}
	return names
}
