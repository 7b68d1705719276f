package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/adapters/malware"
	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// newScanner is the configured malware scanner; nil without one. One that does
// not answer is notified of at once: analyses wait for it.
func newScanner(w config.Worker, logger *slog.Logger) (*malware.Scanner, error) {
	if w.Clamd == "" {
		return nil, nil
	}
	scanner, err := malware.New(malware.Options{Address: w.Clamd, MaxFile: w.ClamdMaxFile})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := scanner.Version(ctx); err != nil {
		logger.Warn("malware scanner does not answer; images are analyzed when it does", "error", err)
	}
	return scanner, nil
}

// puller analyzes images from registries, and has their files scanned if a
// scanner is configured.
type puller struct {
	*analyzer.Analyzer
	registries *registry.Registry
	scanner    *malware.Scanner // nil for none
	log        *slog.Logger
}

// Version implements activities.Analyzer.
func (p puller) Version() string {
	if p.scanner == nil {
		return p.Analyzer.Version()
	}
	return p.Analyzer.Version() + " " + p.scanner.Identity()
}

// Analyze implements activities.Analyzer.
func (p puller) Analyze(ctx context.Context, repository image.Repository, digest image.Digest, known activities.Known, report func(string)) (*sbom.Inventory, []byte, error) {
	if p.scanner != nil {
		if err := p.scanner.Ping(ctx); err != nil {
			return nil, nil, err // before the work that would be lost
		}
	}
	source := p.registries.Image(repository, digest)
	request := analyzer.Request{Name: source.Name(), Digest: digest, Source: source, Earlier: known,
		Progress: func(at analyzer.Progress) { report(inWords(at)) }}
	result, err := p.Analyzer.Analyze(ctx, request)
	if err == nil && p.scanner != nil {
		result.Inventory.Malware = nil // of an earlier scan, when the analysis is an earlier one's
		err = p.scan(ctx, request, result.Inventory, report)
	}
	return result.Inventory, result.SBOM, err
}

// scan adds what the malware scanner finds to the inventory.
func (p puller) scan(ctx context.Context, request analyzer.Request, inventory *sbom.Inventory, report func(string)) error {
	request.Progress = nil
	contents := 0
	found, err := p.scanner.Scan(ctx, func(visit malware.Visit) error {
		return p.Contents(ctx, request, inventory, func(paths []string, size int64, content io.Reader) error {
			contents++
			report(fmt.Sprintf("scanning for malware: %d files", contents))
			return visit(paths, size, content)
		})
	})
	if err != nil {
		return fmt.Errorf("scan %s for malware: %w", request.Name, err)
	}
	if found.Skipped > 0 {
		p.log.WarnContext(ctx, "files not scanned for malware", "image", request.Name, "files", found.Skipped, "first", found.Skips)
	}
	inventory.Malware = append(inventory.Malware, found.Scan)
	return nil
}

func inWords(at analyzer.Progress) string {
	if at.Stage == analyzer.StageFetch {
		return fmt.Sprintf("%s: %d of %d, %d MiB transferred", at.Stage, at.LayersDone, at.Layers, at.Fetched>>20)
	}
	if at.Packages == 0 {
		return at.Stage
	}
	return fmt.Sprintf("%s: %d packages", at.Stage, at.Packages)
}
