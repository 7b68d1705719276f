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

// programsOf are the paths of the programs that goreleaser built for a platform, by
// name.
func programsOf(dist, system, architecture string) (map[string]string, error) {
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
		if each.Type != "Binary" || each.Goos != system || each.Goarch != architecture {
			continue
		}
		inside, err := filepath.Rel("dist", each.Path) // as goreleaser knew the folder
		if err != nil {
			return nil, fmt.Errorf("find the programs of the release: %w", err)
		}
		if found[each.Name], err = filepath.Abs(filepath.Join(dist, inside)); err != nil {
			return nil, fmt.Errorf("find the programs of the release: %w", err)
		}
	}
	for _, name := range contained {
		if found[name] == "" {
			return nil, fmt.Errorf("the release in %s has no %s for %s/%s", dist, name, system, architecture)
		}
	}
	return found, nil
}
