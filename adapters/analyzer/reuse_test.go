package analyzer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/lab"
)

// An image whose layers were analyzed under another manifest gets, without a
// child, what an analysis of its own would come to, to the byte.
func TestReuseEqualsAnAnalysis(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	for _, test := range []struct {
		name  string
		parts []lab.Part
	}{
		{"debian and node", []lab.Part{lab.Debian(lab.Bookworm()...), lab.Node("/app", nodeModules(5)...)}},
		{"docker format", []lab.Part{lab.Docker, lab.Debian(lab.Bookworm()...), lab.Python(lab.PythonPackage{Name: "Django", Version: "3.2.0"})}},
		{"binary", []lab.Part{lab.StaticBinary("/app")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := build(t, test.parts...)
			known, err := b.Analyze(t.Context(), b.push(t, before))
			if err != nil {
				t.Fatal(err)
			}
			request := b.push(t, rebuilt(t, before))
			fresh, err := b.Analyze(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			request.Earlier = earlierAs(known)
			again, err := b.Analyze(t.Context(), request)
			if err != nil || !again.Reused {
				t.Fatalf("not reused: %v", err)
			}
			if diff := cmp.Diff(fresh.Inventory, again.Inventory); diff != "" {
				t.Errorf("inventory (-fresh +reused):\n%s", diff)
			}
			if diff := cmp.Diff(string(fresh.SBOM), string(again.SBOM)); diff != "" {
				t.Errorf("SBOM (-fresh +reused):\n%s", diff)
			}
			if diff := cmp.Diff(known.Inventory, again.Inventory); !strings.Contains(diff, "Dockerfile") {
				t.Errorf("the rebuilt image is described as the first one")
			}
		})
	}
}

// What is not known, or is no answer, is analyzed.
func TestReuseOfNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, build(t, lab.Debian(lab.Bookworm()...)))
	other, err := b.Analyze(t.Context(), b.push(t, build(t, lab.StaticBinary("/app"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		known analyzer.Earlier
	}{
		{"nothing known", func(context.Context, string) (*sbom.Inventory, []byte, error) {
			return nil, nil, fmt.Errorf("no image: %w", errkind.NotFound)
		}},
		{"an analysis of other layers", func(context.Context, string) (*sbom.Inventory, []byte, error) {
			return other.Inventory, other.SBOM, nil
		}},
		{"no SBOM", func(context.Context, string) (*sbom.Inventory, []byte, error) {
			return other.Inventory, []byte("{"), nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			asking := request
			asking.Earlier = test.known
			result, err := b.Analyze(t.Context(), asking)
			if err != nil || result.Reused || len(result.Inventory.Packages) < 9 {
				t.Errorf("reused: %v, error %v", result.Reused, err)
			}
		})
	}
}

// An image that claims the layers of another one does not get its inventory.
func TestReuseIsNotForLiars(t *testing.T) {
	t.Parallel()
	b := newBench(t, analyzer.Limits{})
	request := b.push(t, otherDiffIDs(t))
	request.Earlier = func(context.Context, string) (*sbom.Inventory, []byte, error) {
		t.Error("used an earlier analysis for false layers")
		return nil, nil, errkind.NotFound
	}
	if _, err := b.Analyze(t.Context(), request); !errors.Is(err, errkind.Invalid) {
		t.Errorf("error = %v, want errkind.Invalid", err)
	}
}

func earlierAs(result analyzer.Result) analyzer.Earlier {
	return func(_ context.Context, fileSystem string) (*sbom.Inventory, []byte, error) {
		if fileSystem != result.Inventory.FileSystem {
			return nil, nil, errkind.NotFound
		}
		return result.Inventory, result.SBOM, nil
	}
}

// rebuilt is the image with other labels and another history.
func rebuilt(t *testing.T, before v1.Image) v1.Image {
	t.Helper()
	config, err := before.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Labels = map[string]string{"revision": "<2>"}
	config.Variant = "v8"
	config.History = append(config.History, v1.History{CreatedBy: "LABEL revision=<2>", EmptyLayer: true})
	after, err := mutate.ConfigFile(before, config)
	if err != nil {
		t.Fatal(err)
	}
	return after
}
