package analyzer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// TestDescribePrograms reads this test's own program, in which the go command
// notes the module but not those that it uses.
func TestDescribePrograms(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := analyzer.DescribePrograms(t.Context(), &out, filepath.Dir(program), "tagwatch", "1.2.3", "cyclonedx-json", time.Time{}); err != nil {
		t.Fatal(err)
	}
	var bill struct {
		Format   string `json:"bomFormat"`
		Metadata struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name string }
	}
	if err := json.Unmarshal(out.Bytes(), &bill); err != nil {
		t.Fatal(err)
	}
	if bill.Format != "CycloneDX" || bill.Metadata.Component.Name != "tagwatch" || bill.Metadata.Component.Version != "1.2.3" {
		t.Errorf("%s of %+v", bill.Format, bill.Metadata.Component)
	}
	modules := map[string]bool{}
	for _, component := range bill.Components {
		modules[component.Name] = true
	}
	for _, module := range []string{"stdlib", "github.com/tagwatch/tagwatch"} {
		if !modules[module] {
			t.Errorf("%s is not among the %d components", module, len(modules))
		}
	}
}

// TestDescribeProgramsReproducibly describes the same program in two folders.
func TestDescribeProgramsReproducibly(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, form := range analyzer.Forms() {
		var written [2]bytes.Buffer
		for i := range written {
			folder := t.TempDir()
			if err := os.Link(program, filepath.Join(folder, "program")); err != nil {
				t.Fatal(err)
			}
			if err := analyzer.DescribePrograms(t.Context(), &written[i], folder, "tagwatch", "1", form, at); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(written[0].String(), written[1].String()); diff != "" {
			t.Errorf("%s: %s", form, diff)
		}
		if !strings.Contains(written[0].String(), "2026-01-02T03:04:05Z") {
			t.Errorf("%s has another date", form)
		}
	}
}

func TestDescribeNoPrograms(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, directory, form string
		want                  error
	}{
		{"an empty directory", t.TempDir(), "cyclonedx-json", errkind.NotFound},
		{"no directory", filepath.Join(t.TempDir(), "absent"), "cyclonedx-json", errkind.Invalid},
		{"a form that is none", t.TempDir(), "poem", errkind.Invalid},
	} {
		if err := analyzer.DescribePrograms(t.Context(), io.Discard, test.directory, "tagwatch", "1", test.form, time.Time{}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}
