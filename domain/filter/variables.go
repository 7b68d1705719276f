package filter

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Finding is one finding in a list that changed.
type Finding struct {
	vuln.Finding
	Change notification.Change
	// Aspects are what was updated.
	Aspects []vuln.Aspect
}

// Notification describes what a notification is about.
type Notification struct {
	Type                    notification.Type
	Causes                  []notification.Cause
	StatusBefore, StatusNow string // of the policies; "" where there is none
	Registry                string
	Repository              string // without the registry
	Tag                     string
	Platform                string
	Labels                  map[string]string // of the subscription
	// Places are where packages are in the image, PlacesBefore where they were in the
	// one before.
	Places, PlacesBefore vuln.Places
	// Workloads are those that run the tag's images, as far as sources say so.
	Workloads []workload.Key
}

// Variable is what an expression can name.
type Variable struct {
	Name string `json:"name"`
	// OfFinding variables describe a finding, the others a notification.
	OfFinding bool `json:"of_finding"`
	// Type is as CEL writes it.
	Type        string `json:"type"`
	Description string `json:"description"`

	kind   *cel.Type
	size   uint64
	rating bool // says how bad a finding is, or whether it is fixed
	ofTag  bool // describes a tag, which a repo_update is not about
	value  func(*Facts) ref.Val
}

// What the estimate of a cost assumes: characters of a text, items of a list, and
// characters of an item.
const (
	textSize = 256
	listSize = 32
	itemSize = 128
)

// severities are the constants of severities, by rank.
var severities = func() (names []string) {
	for _, s := range vuln.Severities {
		names = append(names, strings.ToLower(string(s)))
	}
	return names
}()

// Variables are all that an expression can name, beside the severities.
var Variables = slices.Concat(
	ofFinding(rating(
		number("severity", "rank of the severity, compared with unknown, negligible, low, medium, high, critical",
			func(f *Finding) int { return f.Severity.Rank() }),
		decimal("cvss", "highest CVSS base score, 0 without one", func(f *Finding) float64 { return f.BaseScore() }),
		decimal("epss", "probability of exploitation, 0 to 1", func(f *Finding) float64 {
			if f.EPSS == nil {
				return 0
			}
			return *f.EPSS
		}),
		yes("known_exploited", "CISA's catalog lists it", func(f *Finding) bool { return f.KnownExploited }),
		yes("fixable", "a fixed version is known", func(f *Finding) bool { return f.Fix.State == vuln.FixKnown }),
		text("fix_state", "fixed, not-fixed, wont-fix or unknown", func(f *Finding) string { return string(f.Fix.State) }),
		texts("fix_versions", "versions that fix it", func(f *Finding) []string { return f.Fix.Versions }),
	)...),
	ofFinding(
		yes("accepted", "its risk is accepted: tagwatch accept", func(f *Finding) bool { return f.Accepted != nil }),
		text("id", "of the record that matched, as CVE-2024-1234", func(f *Finding) string { return f.ID }),
		texts("aliases", "other ids of the same vulnerability", func(f *Finding) []string { return f.Aliases() }),
		text("package_name", "as openssl", func(f *Finding) string { return f.Package.Name }),
		text("package_version", "as 3.0.11-1~deb12u2", func(f *Finding) string { return f.Package.Version }),
		text("package_type", "deb, rpm, apk, npm, python, go-module, ...", func(f *Finding) string { return f.Package.Type }),
		text("purl", "package URL", func(f *Finding) string { return f.Package.PURL }),
		text("change", "added, removed or updated", func(f *Finding) string { return string(f.Change) }),
		texts("updated", "what was updated: name, severity, fix, known_exploited, epss, accepted", func(f *Finding) []string {
			return plainTexts(f.Aspects)
		}),
		Variable{Name: "path", Type: "list(string)", Description: "files of the image that show the package: path.exists(p, p.startsWith(\"/app/\"))", kind: cel.ListType(cel.StringType), size: listSize,
			value: func(f *Facts) ref.Val { return list(f.place().Paths) }},
		Variable{Name: "layer", Type: "string", Description: "base or own: whether the package comes from the base image", kind: cel.StringType, size: textSize,
			value: func(f *Facts) ref.Val { return types.String(f.place().Layer) }},
	),
	[]Variable{
		about("notification_type", "as vuln_update", func(n *Notification) string { return string(n.Type) }),
		{Name: "causes", Type: "list(string)", Description: "image, feed, policy, time, scanner, acceptance", kind: cel.ListType(cel.StringType), size: listSize,
			value: func(f *Facts) ref.Val { return list(plainTexts(f.Notification.Causes)) }},
		ofTag(about("status_before", "policy status before: pass or fail", func(n *Notification) string { return n.StatusBefore })),
		ofTag(about("status", "policy status now: pass or fail", func(n *Notification) string { return n.StatusNow })),
		about("registry", "as ghcr.io", func(n *Notification) string { return n.Registry }),
		about("repository", "without the registry", func(n *Notification) string { return n.Repository }),
		ofTag(about("tag", "as 1.27", func(n *Notification) string { return n.Tag })),
		ofTag(about("platform", "as linux/arm64; empty for the default", func(n *Notification) string { return n.Platform })),
		ofTag(Variable{Name: "workloads", Type: "list(map(string, string))", Description: "workloads of sources that run the tag, each with source, kind, namespace, name, container: workloads.exists(w, w.namespace == \"prod\")",
			kind: cel.ListType(cel.MapType(cel.StringType, cel.StringType)), size: workload.MostInstances, value: func(f *Facts) ref.Val { return workloads(f.Notification.Workloads) }}),
		{Name: "labels", Type: "map(string, string)", Description: "labels of the subscription; one that it lacks is empty", kind: cel.MapType(cel.StringType, cel.StringType), size: listSize,
			value: func(f *Facts) ref.Val {
				return labels{types.NewStringStringMap(types.DefaultTypeAdapter, nonNil(f.Notification.Labels))}
			}},
	})

func workloads(keys []workload.Key) ref.Val {
	maps := make([]map[string]string, len(keys))
	for i, key := range keys {
		maps[i] = map[string]string{"source": key.Source, "kind": key.Kind, "namespace": key.Namespace, "name": key.Name, "container": key.Container}
	}
	return types.NewDynamicList(types.DefaultTypeAdapter, maps)
}

// labels are a map of which a key that is missing has an empty text: an expression
// about a label is for all subscriptions, and few of them have it.
type labels struct{ traits.Mapper }

// Find is for the evaluation.
func (l labels) Find(key ref.Val) (ref.Val, bool) {
	if value, found := l.Mapper.Find(key); found {
		return value, true
	}
	return types.String(""), true
}

// Get is for the evaluation.
func (l labels) Get(key ref.Val) ref.Val {
	value, _ := l.Find(key)
	return value
}

// maxVariables is at least their number.
const maxVariables = 32

var indexes = func() map[string]int {
	index := map[string]int{}
	for i, v := range Variables {
		index[v.Name] = i
	}
	return index
}()

func ofFinding(variables ...Variable) []Variable {
	for i := range variables {
		variables[i].OfFinding = true
	}
	return variables
}

func rating(variables ...Variable) []Variable {
	for i := range variables {
		variables[i].rating = true
	}
	return variables
}

func ofTag(v Variable) Variable {
	v.ofTag = true
	return v
}

func number(name, description string, get func(*Finding) int) Variable {
	return Variable{Name: name, Type: "int", Description: description, kind: cel.IntType, size: 1,
		value: func(f *Facts) ref.Val { return types.Int(get(f.Finding)) }}
}

func decimal(name, description string, get func(*Finding) float64) Variable {
	return Variable{Name: name, Type: "double", Description: description, kind: cel.DoubleType, size: 1,
		value: func(f *Facts) ref.Val { return types.Double(get(f.Finding)) }}
}

func yes(name, description string, get func(*Finding) bool) Variable {
	return Variable{Name: name, Type: "bool", Description: description, kind: cel.BoolType, size: 1,
		value: func(f *Facts) ref.Val { return types.Bool(get(f.Finding)) }}
}

func text(name, description string, get func(*Finding) string) Variable {
	return Variable{Name: name, Type: "string", Description: description, kind: cel.StringType, size: textSize,
		value: func(f *Facts) ref.Val { return types.String(get(f.Finding)) }}
}

func texts(name, description string, get func(*Finding) []string) Variable {
	return Variable{Name: name, Type: "list(string)", Description: description, kind: cel.ListType(cel.StringType), size: listSize,
		value: func(f *Facts) ref.Val { return list(get(f.Finding)) }}
}

func about(name, description string, get func(*Notification) string) Variable {
	return Variable{Name: name, Type: "string", Description: description, kind: cel.StringType, size: textSize,
		value: func(f *Facts) ref.Val { return types.String(get(f.Notification)) }}
}

func list(items []string) ref.Val { return types.NewStringList(types.DefaultTypeAdapter, items) }

func plainTexts[T ~string](items []T) []string {
	plain := make([]string, len(items))
	for i, item := range items {
		plain[i] = string(item)
	}
	return plain
}

func nonNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}
