package policy

// Gate is a group of related checks. Gates are data: tagwatch policy describe lists
// them, and bundles are validated against them.
type Gate struct {
	Name        string // canonical, lower-case
	Description string
	Triggers    []Trigger
	Addition    bool // Anchore Engine does not have it
}

// Trigger is one check of a gate.
type Trigger struct {
	Name        string // canonical, lower-case
	Description string
	Parameters  []Parameter
	Addition    bool // Anchore Engine does not have it
	// check fires any number of times. An error becomes a problem of the rule, and the
	// final action stop.
	check func(*check) error
}

// Parameter is one named argument of a trigger. Values are always JSON strings.
type Parameter struct {
	Name        string
	Aliases     []string
	Description string
	Example     string
	Type        ParameterType
	Values      []string // of an Enum, case-sensitive
	Required    bool
	Default     string // used when the parameter is not given; "" for none
	Addition    bool   // Anchore Engine does not have it
	// patternIf reports, given all parameters of the rule, whether the value is a
	// regular expression; nil if it never is.
	patternIf func(all map[string]string) bool
	// valid checks the value beyond its type, given all parameters of the rule by
	// canonical name; nil for no further check.
	valid func(value string, all map[string]string) error
	// hint warns about a value that is valid but probably a mistake; "" for none. It is
	// nil for most parameters.
	hint func(value string) string
}

// ParameterType is the kind of values that a parameter takes.
type ParameterType string

// The parameter types of Anchore's gates.
const (
	Text       ParameterType = "string"
	List       ParameterType = "list"    // comma-separated, no empty element
	NumberList ParameterType = "numlist" // comma-separated integers
	Integer    ParameterType = "int"     // without a sign
	Float      ParameterType = "float"
	Boolean    ParameterType = "bool" // true or false in any case
	Enum       ParameterType = "enum"
	Pattern    ParameterType = "regexp" // a string that must compile as a regular expression
	OctalMode  ParameterType = "octal"  // an octal number as Python reads it, or an empty string
)
