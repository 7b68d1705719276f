package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// platforms are those of the image, all of Linux.
var platforms = []string{"amd64", "arm64"}

// contained are the programs in the image. Temporal has images of its own.
var contained = []string{"tagwatch", "tagwatch-worker"}

// programsOf are the paths of the programs that goreleaser built for Linux on an
// architecture, by name.
func programsOf(dist, architecture string) (map[string]string, error) {
	content, err := os.ReadFile(filepath.Join(dist, "artifacts.json"))
	if err != nil {
		return nil, fmt.Errorf("find the programs of the release: %w", err)
	}
	var built []struct {
		Name, Path, Goos, Goarch, Type string
	}
	if err := json.Unmarshal(content, &built); err != nil {
		return nil, fmt.Errorf("find the programs of the release: artifacts.json: %w", err)
	}
	found := map[string]string{}
	for _, each := range built {
		if each.Type == "Binary" && each.Goos == "linux" && each.Goarch == architecture {
			// Paths begin with the folder of the release, as goreleaser knew it.
			inside, err := filepath.Rel("dist", each.Path)
			if err != nil {
				return nil, fmt.Errorf("find the programs of the release: %w", err)
			}
			found[each.Name] = filepath.Join(dist, inside)
		}
	}
	for _, name := range contained {
		if found[name] == "" {
			return nil, fmt.Errorf("the release in %s has no %s for linux/%s", dist, name, architecture)
		}
	}
	return found, nil
}
