package sources_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/sources"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestDockerfiles(t *testing.T) {
	t.Parallel()
	golden(t, "dockerfiles", func(path string) ([]source.Found, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return sources.Dockerfile(text, "Dockerfile", sources.Build{Args: map[string]string{"CADDY_VERSION": ""}})
	})
}

func TestComposeProjects(t *testing.T) {
	t.Parallel()
	golden(t, "compose", func(folder string) ([]source.Found, error) {
		files, err := filepath.Glob(filepath.Join(folder, "*compose.y*ml"))
		if err != nil {
			return nil, err
		}
		return sources.Compose(context.Background(), files[0], sources.Project{Profiles: []string{"flower", "all"}})
	})
}

func TestLists(t *testing.T) {
	t.Parallel()
	golden(t, "lists", func(path string) ([]source.Found, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return sources.List(text, path, image.Platform{})
	})
}

// golden compares what is found in each entry of a folder with one file.
func golden(t *testing.T, kind string, find func(path string) ([]source.Found, error)) {
	t.Helper()
	folder := filepath.Join("testdata", kind)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, entry := range entries {
		fmt.Fprintf(&got, "%s\n", entry.Name())
		found, err := find(filepath.Join(folder, entry.Name()))
		if err != nil {
			fmt.Fprintf(&got, "    error: %s\n", err)
		}
		for _, each := range found {
			fmt.Fprintf(&got, "    %s\n", describe(each, folder))
		}
	}
	file := filepath.Join("testdata", kind+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("found (-want +got)\n%s", diff)
	}
}

// describe is one reference in a line: where, what is written, and what becomes of it.
func describe(f source.Found, folder string) string {
	place := strings.ReplaceAll(f.Place, folder+"/", "")
	line := fmt.Sprintf("%s | %s | ", place, f.Text)
	if f.Followed() {
		line += "-> " + f.Target.String()
	} else {
		line += strings.TrimRight(string(f.Reason)+": "+f.Note, ": ")
	}
	if f.Pin != "" {
		line += " pinned to " + f.Pin.Short()
	}
	if !f.Choices.Zero() {
		line += fmt.Sprintf(" with %+v", f.Choices)
	}
	return line
}
