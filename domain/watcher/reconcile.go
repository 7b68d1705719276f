package watcher

// Kind tells apart the workflows that live as long as something is asked
// of them.
type Kind string

// The kinds of watchers, in the order in which they are compared.
const (
	Tag        Kind = "tag"
	Registry   Kind = "registry"
	Repository Kind = "repository"
	Source     Kind = "source"
	Endpoint   Kind = "endpoint"
)

// Kinds are all of them.
var Kinds = []Kind{Tag, Registry, Repository, Source, Endpoint}

// ReconcileRequest asks to compare what the store says should run with what runs.
type ReconcileRequest struct {
	// DryRun only compares and changes nothing.
	DryRun bool
}

// CompareRequest asks to compare the watchers of one kind.
type CompareRequest struct {
	Kind   Kind
	DryRun bool
}

// Compared is what the comparison of one kind of watchers came to.
type Compared struct {
	Kind Kind
	// Wanted watchers are those that the store says should run.
	Wanted int
	// Missing are those of them that did not, Stray those that ran although
	// nothing is asked of them. The names are the first of each.
	Missing, Stray           int
	MissingNames, StrayNames []string
	// Unlabeled watchers run without some of their search attributes.
	Unlabeled int
}

// Running is a watcher that runs, as Temporal lists it.
type Running struct {
	// Named reports that it has the search attributes that say what it watches,
	// Outcome that it has those that say what came of it, as tags have.
	Named, Outcome bool
}

// Wanted is a watcher that should run.
type Wanted struct {
	Name string
	// Outcome reports that there is one to show.
	Outcome bool
}

// Lacks reports that search attributes of a watcher are missing: the namespace lost
// them, and has them again without the values.
func (r Running) Lacks(wanted Wanted) bool { return !r.Named || wanted.Outcome && !r.Outcome }

// namesShown bounds the lists of names.
const namesShown = 20

// Miss counts a watcher that did not run.
func (c *Compared) Miss(name string) {
	c.Missing++
	if len(c.MissingNames) < namesShown {
		c.MissingNames = append(c.MissingNames, name)
	}
}

// Excess counts a watcher that nothing is asked of.
func (c *Compared) Excess(name string) {
	c.Stray++
	if len(c.StrayNames) < namesShown {
		c.StrayNames = append(c.StrayNames, name)
	}
}

// DeliveriesCompared is what the comparison of the deliveries came to.
type DeliveriesCompared struct {
	// Overdue deliveries should have been tried long ago, at endpoints that take
	// what comes.
	Overdue int
	// Undeliverable ones wait for an endpoint that does not exist any more.
	Undeliverable int
}

// Reconciled is what a whole comparison came to.
type Reconciled struct {
	DryRun     bool
	Watchers   []Compared
	Deliveries DeliveriesCompared
}

// InOrder reports that nothing was missing, stray, unlabeled or overdue.
func (r Reconciled) InOrder() bool {
	for _, compared := range r.Watchers {
		if compared.Missing > 0 || compared.Stray > 0 || compared.Unlabeled > 0 {
			return false
		}
	}
	return r.Deliveries == DeliveriesCompared{}
}
