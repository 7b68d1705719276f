// Package licenses keeps the scanner by which syft recognizes the texts of licenses in
// a file. To build it takes more than a second of processor time, to load it a
// hundredth of that.
package licenses

import (
	"context"
	"fmt"
	"io"
	"sync"
	_ "unsafe" // for go:linkname

	"github.com/google/licensecheck"
)

// Use makes syft recognize licenses with the scanner in a file. The scanner is loaded
// when the first text has to be recognized, and built if it cannot be loaded. Coverage is
// the percentage of a text that must match.
func Use(ctx context.Context, file File, coverage float64) (context.Context, error) {
	scanner := sync.OnceValue(func() *licensecheck.Scanner {
		loaded, err := file.load()
		if err == nil {
			return loaded
		}
		built, err := licensecheck.NewScanner(licensecheck.BuiltinLicenses())
		if err != nil {
			panic(fmt.Sprintf("build license scanner: %v", err)) // it is a constant of the library
		}
		return built
	})
	made, err := newScanner(&config{coverage, func(text []byte) licensecheck.Coverage { return scanner().Scan(text) }})
	if err != nil {
		return nil, fmt.Errorf("license scanner: %w", err)
	}
	return setScanner(ctx, made), nil
}

// syft takes a scanner other than its own only from its own packages. The following
// have the names and layouts of its internal/licenses.

type config struct {
	CoverageThreshold float64
	Scanner           func([]byte) licensecheck.Coverage
}

type evidence struct {
	ID         string
	Type       licensecheck.Type
	Start, End int
	IsURL      bool
}

type syftScanner interface {
	FindEvidence(context.Context, io.Reader) ([]evidence, []byte, error)
}

//go:linkname newScanner github.com/anchore/syft/internal/licenses.NewScanner
func newScanner(*config) (syftScanner, error)

//go:linkname setScanner github.com/anchore/syft/internal/licenses.SetContextLicenseScanner
func setScanner(context.Context, syftScanner) context.Context
