package policy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

const goldenFolder = "testdata/golden"

// TestGoldenEvaluations evaluates whole bundles on the content of real images:
// what the analyzer finds in images of the laboratory, which its own test holds
// the inventories to, under the circumstances written down beside them.
func TestGoldenEvaluations(t *testing.T) {
	t.Parallel()
	for _, bundlePath := range filesIn(t, "bundles") {
		for _, inventoryPath := range filesIn(t, "inventories") {
			bundleName, imageName := baseName(bundlePath), baseName(inventoryPath)
			t.Run(bundleName+" on "+imageName, func(t *testing.T) {
				t.Parallel()
				evaluation := evaluate(t, goldenBundle(t, bundlePath), goldenInput(t, imageName), noon)
				golden(t, filepath.Join(goldenFolder, "evaluations", bundleName+"_"+imageName+".json"), indented(t, evaluation))
			})
		}
	}
}

func filesIn(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(goldenFolder, folder, "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d golden %s, error %v", len(paths), folder, err)
	}
	return paths
}

func baseName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".json") }

func goldenBundle(t *testing.T, path string) *Bundle {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(raw))
}

// goldenInput is an image with its circumstances: everything that its analysis
// does not tell.
func goldenInput(t *testing.T, name string) *Input {
	t.Helper()
	circumstances := readJSON[struct {
		Reference image.Reference
		Feed      Feed
		Matched   bool
		Matches   []vuln.Match
		NPM, Gems *PackageFeed
		Malware   []sbom.MalwareScan
	}](t, "circumstances", name)
	inventory := readJSON[sbom.Inventory](t, "inventories", name)
	inventory.Malware = circumstances.Malware
	return &Input{
		Reference: circumstances.Reference, Inventory: &inventory, Matches: circumstances.Matches, Matched: circumstances.Matched,
		Feed: circumstances.Feed, NPM: circumstances.NPM, Gems: circumstances.Gems,
	}
}

func readJSON[T any](t *testing.T, folder, name string) T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(goldenFolder, folder, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var value T
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s of %s: %v", folder, name, err)
	}
	return value
}
