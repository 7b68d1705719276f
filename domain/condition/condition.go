// Package condition follows failures that last: a registry that does not respond, a
// repository whose tags cannot be listed, a step that keeps failing, vulnerability data
// that is too old. Each is one row of the store, from the first check that finds it until a
// check no longer does. It is stored nowhere else.
//
//	          found                     found, and For has passed
//	(no row) -------> suspected ------------------------------> confirmed
//	   ^                  |  \______ found with For = 0 ______^     |
//	   |      fine        |                                         |
//	   +------------------+---------------- fine -------------------+
//
// A notification is due when a confirmed condition that is not silent is found and was not
// notified yet (Began), and when a notified one is gone (Recovered). A suspected or silent
// condition ends without one. A check without a result changes nothing.
//
// The row and the notification are stored in one transaction. After a crash before it, the
// next check finds the same; after a crash behind it, the row prevents a second
// notification. So neither a repeated step nor the loss of Temporal's data sends a
// notification twice or hides a recovery.
package condition

import (
	"slices"
	"time"
)

// Kind is what is wrong. The conditions of the vulnerability data have the kinds of
// package vuln.
type Kind string

// The kinds.
const (
	Unreachable  Kind = "unreachable"  // a registry
	Unlistable   Kind = "unlistable"   // a repository's tags cannot be listed
	Unreadable   Kind = "unreadable"   // a source cannot be read, or is not believed
	Unidentified Kind = "unidentified" // whether workloads of a source run another image cannot be told
	Unresolved   Kind = "unresolved"   // what a tag points to cannot be read
	Failing      Kind = "failing"      // an endpoint does not accept notifications
	Delayed      Kind = "delayed"      // an analysis does not come
	StepFails    Kind = "step"         // a step fails, round after round
	OnHold       Kind = "on_hold"      // new vulnerability data waits to be released
	NotApplied   Kind = "not_applied"  // a folder of documents cannot be applied

	SourceUnreachable Kind = "source.unreachable" // vulnerability data cannot be fetched
)

// Resource is the kind of what a condition is about.
type Resource string

// The resources, with what their names are.
const (
	Tag        Resource = "tag"        // image.Target
	Registry   Resource = "registry"   // host
	Repository Resource = "repository" // image.Repository
	Endpoint   Resource = "endpoint"   // name
	Source     Resource = "source"     // name
	Task       Resource = "task"       // of the whole installation: id of its workflow
	Data       Resource = "data"       // AllData, a provider, or the checksum of a build
)

// AllData is the name of the vulnerability data as a whole.
const AllData = "vulnerabilities"

// Followed are those that a workflow follows, whose steps can fail.
var Followed = []Resource{Tag, Registry, Repository, Endpoint, Source, Task}

// Key identifies a condition: there is one of each kind for a resource.
type Key struct {
	Kind     Kind
	Resource Resource
	Name     string
}

// Condition is a row.
type Condition struct {
	Key
	Step      string // that failed; "" where there is only one
	ErrorKind string // a name of package errkind; "" for none
	Message   string // of the last check that found it
	Since     time.Time
	Confirmed bool
	Notified  time.Time // when the notification was stored that it began; zero without
}

// Confirmed are those of a list that are confirmed.
func Confirmed(list []Condition) []Condition {
	return slices.DeleteFunc(slices.Clone(list), func(c Condition) bool { return !c.Confirmed })
}

// Found is what a check finds wrong.
type Found struct {
	Key
	Step      string
	ErrorKind string
	Message   string
	Since     time.Time // zero for now
	// For is how long it must last to be confirmed, so that short failures send nothing.
	For time.Duration
	// Silent conditions are only shown: another condition is their cause and is notified.
	Silent bool
}

// Scope selects conditions; zero fields select all.
type Scope struct {
	Kinds    []Kind
	Resource Resource
	Name     string
}

// covers reports whether a condition is in the scope.
func (s Scope) covers(key Key) bool {
	return (len(s.Kinds) == 0 || slices.Contains(s.Kinds, key.Kind)) && (s.Resource == "" || s.Resource == key.Resource) && (s.Name == "" || s.Name == key.Name)
}

// Report is the result of a check: all conditions in its scope.
type Report struct {
	Scope
	Found []Found
}

// Wrong reports one condition; nil if it does not exist.
func Wrong(key Key, found *Found) Report {
	report := Report{Scope: Scope{Kinds: []Kind{key.Kind}, Resource: key.Resource, Name: key.Name}}
	if found != nil {
		found.Key = key
		report.Found = []Found{*found}
	}
	return report
}

// Transition is what a check makes of one condition.
type Transition string

// The transitions. Began and Recovered are notified.
const (
	Nothing   Transition = ""          // no change
	Changed   Transition = "changed"   // the row changes, or is new but suspected or silent
	Began     Transition = "began"     //
	Ended     Transition = "ended"     // without a notification that it began
	Recovered Transition = "recovered" //
)

// Change is a transition with the rows around it: Before is nil for a new condition,
// After for one that is gone.
type Change struct {
	Transition
	Before, After *Condition
}

// Of is the condition, as it is or was last.
func (c Change) Of() Condition {
	if c.After != nil {
		return *c.After
	}
	return *c.Before
}

// Follow compares the rows in a report's scope with its conditions: one change for each,
// first those that were found, then those that are gone.
func Follow(before []Condition, report Report, now time.Time) []Change {
	var changes []Change
	for _, found := range report.Found {
		changes = append(changes, found.follow(find(before, found.Key), now))
	}
	for i := range before {
		gone := &before[i]
		if !report.covers(gone.Key) || slices.ContainsFunc(report.Found, func(f Found) bool { return f.Key == gone.Key }) {
			continue
		}
		change := Change{Transition: Ended, Before: gone}
		if !gone.Notified.IsZero() {
			change.Transition = Recovered
		}
		changes = append(changes, change)
	}
	return changes
}

func find(conditions []Condition, key Key) *Condition {
	for i := range conditions {
		if conditions[i].Key == key {
			return &conditions[i]
		}
	}
	return nil
}

func (f Found) follow(before *Condition, now time.Time) Change {
	after := Condition{Key: f.Key, Since: f.Since}
	if after.Since.IsZero() {
		after.Since = now
	}
	if before != nil {
		after = *before
	}
	after.Step, after.ErrorKind, after.Message = f.Step, f.ErrorKind, f.Message
	after.Confirmed = after.Confirmed || now.Sub(after.Since) >= f.For
	change := Change{Transition: Changed, Before: before, After: &after}
	switch {
	case after.Confirmed && !f.Silent && after.Notified.IsZero():
		after.Notified = now
		change.Transition = Began
	case before != nil && after == *before:
		change.Transition = Nothing
	}
	return change
}
