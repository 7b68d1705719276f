package analyzer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/licenses"
)

// scannerFile has syft's license scanner for all children of this worker. Building it
// takes more processor time than all the rest of a small image.
type scannerFile struct {
	mu   sync.Mutex
	made licenses.File
}

// licenseScanner returns the file, which a child without an image writes once. If that
// fails, there is none, and the next analysis tries again.
func (a *Analyzer) licenseScanner(ctx context.Context) licenses.File {
	a.scanner.mu.Lock()
	defer a.scanner.mu.Unlock()
	if a.scanner.made.Path == "" {
		made, err := a.makeScanner(ctx)
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn("the license scanner is built for each image, which takes a second of processor time", "error", err)
			}
			return licenses.File{}
		}
		a.scanner.made = made
	}
	return a.scanner.made
}

func (a *Analyzer) makeScanner(ctx context.Context) (licenses.File, error) {
	child, err := a.startWith(inspect.Setup{Limits: a.limits.ofChild(), WriteLicenses: true})
	if err != nil {
		return licenses.File{}, err
	}
	defer child.end()
	if _, err := child.process.Run(ctx, nil, func([]byte) {}); err != nil {
		return licenses.File{}, fmt.Errorf("prepare analysis: %w", err)
	}
	folder, err := a.scratch.New("licenses")
	if err != nil {
		return licenses.File{}, err
	}
	path := filepath.Join(folder, inspect.LicensesFile)
	if err := os.Rename(filepath.Join(child.work(), inspect.LicensesFile), path); err != nil {
		return licenses.File{}, fmt.Errorf("prepare analysis: %w", err)
	}
	return licenses.Find(path)
}

// linkScanner links the file into the folder of an image, for a child can read no
// other one.
func linkScanner(file licenses.File, image string) (licenses.File, error) {
	if file.Path == "" {
		return file, nil
	}
	linked := filepath.Join(image, inspect.LicensesFile)
	if err := os.Link(file.Path, linked); err != nil {
		return licenses.File{}, fmt.Errorf("prepare image: %w", err)
	}
	return licenses.File{Path: linked, SHA256: file.SHA256}, nil
}
