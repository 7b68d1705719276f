package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// writeProvenance writes the provenance of all files in checksums.txt beside it.
func writeProvenance(dist string, from source) error {
	content, err := os.ReadFile(filepath.Join(dist, "checksums.txt"))
	if err != nil {
		return fmt.Errorf("read the checksums of the release: %w", err)
	}
	files, err := parseChecksums(string(content))
	if err != nil {
		return err
	}
	document, err := json.MarshalIndent(newStatement(files, provenanceType, newProvenance(from)), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dist, "provenance.json"), append(document, '\n'), 0o644)
}

// parseChecksums reads what sha256sum writes.
func parseChecksums(content string) ([]subject, error) {
	var files []subject
	for line := range strings.Lines(content) {
		sum, name, found := strings.Cut(strings.TrimSpace(line), "  ")
		if !found || len(sum) != 64 {
			return nil, fmt.Errorf("checksums.txt: the line %q is not a SHA-256 checksum with a name", line)
		}
		files = append(files, subject{Name: name, Digest: map[string]string{"sha256": sum}})
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("checksums.txt names no file")
	}
	return files, nil
}
