package feed

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/anchore/grype/grype/db/provider"
)

// workspace is one provider's records on their way to disk, in the layout that
// grype's builder reads: metadata.json beside results with one file a record.
type workspace struct {
	provider string
	schema   string // name of the record's schema, which selects how it is read
	records  []any
}

// envelope wraps each record. The version of the schema is the first that the builder
// supports.
type envelope struct {
	Schema     string `json:"schema"`
	Identifier string `json:"identifier"`
	Item       any    `json:"item"`
}

// workspacesOf groups vulnerabilities by provider. NVD comes first, because the
// builder uses its severities for records of others without one.
func workspacesOf(vulnerabilities []Vulnerability, built time.Time) []workspace {
	byProvider := map[Provider][]Vulnerability{}
	for _, v := range vulnerabilities {
		byProvider[v.Provider] = append(byProvider[v.Provider], v)
	}
	all := []workspace{{provider: "nvd", schema: "nvd", records: records(byProvider[NVD], nvdRecordOf)}}
	for _, name := range slices.Sorted(maps.Keys(systems)) {
		all = append(all, workspace{provider: string(name), schema: "os", records: records(byProvider[name], osRecordOf)})
	}
	all = append(all,
		workspace{provider: "github", schema: "github-security-advisory", records: records(byProvider[GitHub], githubRecordOf)},
		workspace{provider: "kev", schema: "known-exploited"},
		workspace{provider: "epss", schema: "epss"},
	)
	kev, epss := &all[len(all)-2], &all[len(all)-1]
	for _, v := range oncePerCVE(vulnerabilities, func(v Vulnerability) bool { return v.KnownExploited }) {
		kev.records = append(kev.records, kevRecordOf(v))
	}
	for _, v := range oncePerCVE(vulnerabilities, func(v Vulnerability) bool { return v.EPSS > 0 }) {
		epss.records = append(epss.records, epssRecordOf(v, built))
	}
	return all
}

func records(vulnerabilities []Vulnerability, record func(group) any) []any {
	var all []any
	for _, g := range groupsOf(vulnerabilities) {
		all = append(all, record(g))
	}
	return all
}

// write stores the workspace below root and returns its state for the builder.
func (w workspace) write(root string, captured time.Time) (provider.State, error) {
	place := provider.NewWorkspace(root, w.provider)
	if err := os.MkdirAll(place.ResultsPath(), 0o755); err != nil {
		return provider.State{}, err
	}
	for i, record := range w.records {
		if err := w.writeRecord(place.ResultsPath(), i, record); err != nil {
			return provider.State{}, err
		}
	}
	if err := place.EnsureListingFile(); err != nil {
		return provider.State{}, err
	}
	if err := w.writeState(place, captured); err != nil {
		return provider.State{}, err
	}
	state, err := place.ReadState()
	if err != nil {
		return provider.State{}, err
	}
	return *state, nil
}

func (w workspace) writeRecord(dir string, number int, record any) error {
	name := fmt.Sprintf("%06d.json", number)
	return writeJSON(filepath.Join(dir, name), envelope{
		Schema:     fmt.Sprintf("https://schema.invalid/vulnerability/%s/schema-1.0.0.json", w.schema),
		Identifier: w.provider + "/" + name,
		Item:       record,
	})
}

func (w workspace) writeState(place provider.Workspace, captured time.Time) error {
	listing := "results/" + filepath.Base(place.ListingPath())
	digest, err := provider.HashFileXXH64(place.ListingPath())
	if err != nil {
		return err
	}
	return writeJSON(place.StatePath(), provider.State{
		Provider: w.provider, Version: 1, DistributionVersion: 1, Processor: "lab", Timestamp: captured,
		Schema:  provider.Schema{Version: "1.0.0", URL: "https://schema.invalid/provider-workspace-state/schema-1.0.0.json"},
		Listing: &provider.File{Path: listing, Digest: digest, Algorithm: "xxh64"},
		Store:   "flat-file",
	})
}

func writeJSON(path string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
