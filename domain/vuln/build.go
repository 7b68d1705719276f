package vuln

import "time"

// Listing is the newest database of a publisher of vulnerability data.
type Listing struct {
	Checksum string // of the archive: "sha256:" and 64 hexadecimal digits
	URL      string // of the archive, without credentials
	Built    time.Time
	Schema   string // as in "6.1.10"
	Status   Lifecycle
}

// Lifecycle is the publisher's status of the data. Unknown ones are kept unchanged.
type Lifecycle string

// The lifecycles.
const (
	LifecycleActive     Lifecycle = "active"
	LifecycleDeprecated Lifecycle = "deprecated"
	LifecycleEndOfLife  Lifecycle = "eol"
	LifecycleUnstated   Lifecycle = "unstated" // of a listing without a status, such as a mirror's
)

// Build is one immutable vulnerability database, named by the checksum of
// the archive it came from.
type Build struct {
	Checksum string
	URL      string // where workers that lack it fetch it; "" if it came from a file
	Built    time.Time
	Schema   string
}

// Description is the content of a build, for people and for Judge.
type Description struct {
	Build
	// Newer reports that the schema is newer than this version of the matcher supports.
	Newer     bool
	Size      int64           // bytes of the database on disk
	Providers []ProviderState // sorted by name
	Totals    Totals
	Scored    time.Time // day of the EPSS scores; zero without any
}

// ProviderState is one provider's share of a build.
type ProviderState struct {
	Name     string
	Captured time.Time // when the provider's data was pulled; zero if the data does not say
	Records  int       // vulnerabilities; of a decorating provider, its rows
	Rows     int       // statements about packages, affected or not
}

// Totals count the rows that belong to no provider's vulnerabilities.
type Totals struct {
	KnownExploited int
	Exploitability int // EPSS scores
	Weaknesses     int // CWEs of CVEs
	EndOfLife      int // releases of distributions with a date of their end of life
}

// total is one of the Totals. Provider is the one that all its rows come from; "" if they
// come with other records.
type total struct {
	name     string
	provider string
	count    func(Totals) int
}

var totals = []total{
	{"known exploited vulnerabilities", "kev", func(t Totals) int { return t.KnownExploited }},
	{"EPSS scores", "epss", func(t Totals) int { return t.Exploitability }},
	{"weaknesses", "", func(t Totals) int { return t.Weaknesses }},
	{"end-of-life dates", "eol", func(t Totals) int { return t.EndOfLife }},
}

// Of is the number of rows of a decorating provider: one that adds to other
// providers' records, as kev, epss and eol do, in rows that name no provider.
func (t Totals) Of(provider string) (rows int, decorating bool) {
	for _, total := range totals {
		if provider != "" && total.provider == provider {
			return total.count(t), true
		}
	}
	return 0, false
}

// Provider is the state of a provider, and whether the build has it.
func (d Description) Provider(name string) (ProviderState, bool) {
	for _, p := range d.Providers {
		if p.Name == name {
			return p, true
		}
	}
	return ProviderState{}, false
}

// holdsRecords reports whether the build has anything to match with.
func (d Description) holdsRecords() bool {
	for _, p := range d.Providers {
		if _, decorating := d.Totals.Of(p.Name); !decorating && p.Records > 0 {
			return true
		}
	}
	return false
}
