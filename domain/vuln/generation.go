package vuln

import "time"

// Listing is what a publisher of vulnerability data says its newest database is.
type Listing struct {
	Checksum string // of the archive: "sha256:" and 64 hexadecimal digits
	URL      string // of the archive, without credentials
	Built    time.Time
	Schema   string // as in "6.1.10"
}

// Generation is one immutable vulnerability database, named by the checksum of
// the archive it came from.
type Generation struct {
	Checksum string
	URL      string // where workers that lack it fetch it; "" if it came from a file
	Built    time.Time
	Schema   string
}

// Description tells what a generation holds, for people and for Judge.
type Description struct {
	Generation
	// Newer tells that the schema has a revision that this version of the matcher
	// does not know.
	Newer     bool
	Size      int64           // bytes of the database on disk
	Providers []ProviderState // sorted by name
	Totals    Totals
}

// ProviderState is one provider's share of a generation.
type ProviderState struct {
	Name     string
	Captured time.Time // when the provider's data were pulled
	Records  int       // vulnerabilities
	Rows     int       // statements about packages, affected or not
}

// Totals count what belongs to no provider's records.
type Totals struct {
	KnownExploited int
	Exploitability int // EPSS scores
	Weaknesses     int // CWEs of CVEs
}

// Provider returns the state of a provider, and whether the generation has it.
func (d Description) Provider(name string) (ProviderState, bool) {
	for _, p := range d.Providers {
		if p.Name == name {
			return p, true
		}
	}
	return ProviderState{}, false
}
