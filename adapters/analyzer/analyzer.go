// Package analyzer finds what is in an image, with syft, in two stages.
//
// The first, in the worker, fetches the image's layers into a store shared by all
// analyses, verifies and counts them. The second, in a child process of the same
// program without network and credentials, reads the image and writes the SBOM and
// the inventory. Whatever an image contains, the child ends within its limits, and
// a partial result is never returned.
//
//	source -> layer store -> hard links -> child -> SBOM, inventory
//
// A child without an image builds syft's license scanner once for all of them.
//
// A program that uses this package has to call ChildMain when it is started with
// ChildArgument.
package analyzer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/layers"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/licenses"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/scratch"
	"github.com/tagwatch/tagwatch/adapters/analyzer/landlock"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// Options configure an Analyzer. Only Directory has to be set.
type Options struct {
	// Directory holds the layer store and the scratch space, on one file system.
	// Several workers on one machine may share it.
	Directory string
	Limits    Limits
	// StoreBytes and StoreAge bound the layer store: its size, default 20 GiB, and
	// how long a layer stays unused, default 30 days.
	StoreBytes int64
	StoreAge   time.Duration
	// Ready is how many processes may wait for their images, each started ahead in the
	// place of one that has analyzed an image.
	Ready int
	// Content is what to search files for; nil for DefaultContent.
	Content *Content
	// Log receives warnings, such as one if the machine does not allow network
	// namespaces; nil for the default logger.
	Log *slog.Logger
}

// Content is what to search the content of files for. Sizes are in bytes.
type Content = inspect.Content

// Analyzer analyzes images. It is safe for concurrent use; each analysis is a
// process that may take Limits.Memory.
type Analyzer struct {
	limits   Limits
	content  Content
	version  string
	parent   string // folder of all workers' scratch folders
	scratch  *scratch.Root
	store    *layers.Store
	sandbox  *sandbox.Sandbox
	children *children
	scanner  scannerFile
	log      *slog.Logger
}

// Open prepares the folders, removes what dead workers left in them, and checks
// the expressions of the content configuration.
func Open(options Options) (*Analyzer, error) {
	content := DefaultContent()
	if options.Content != nil {
		content = *options.Content
	}
	if err := inspect.CheckContent(content); err != nil {
		return nil, err
	}
	directory, err := filepath.Abs(options.Directory) // the child has a working folder of its own
	if err != nil {
		return nil, fmt.Errorf("open analyzer: %w", err)
	}
	a := &Analyzer{
		limits:  options.Limits.withDefaults(),
		content: content,
		version: versionOf(content),
		parent:  filepath.Join(directory, "scratch"),
		sandbox: &sandbox.Sandbox{Log: options.Log},
		log:     cmp.Or(options.Log, slog.Default()),
	}
	a.children = &children{start: a.startChild, keep: options.Ready}
	if !landlock.Possible() {
		a.log.Warn("this kernel has no Landlock: an analysis can read what this user can read, such as the database and the configuration of Docker", "remedy", "a kernel of 5.13 or later with landlock among lsm=")
	}
	if a.scratch, err = scratch.Open(a.parent); err != nil {
		return nil, fmt.Errorf("open analyzer: %w", err)
	}
	bounds := layers.Bounds{Bytes: cmp.Or(options.StoreBytes, 20<<30), Age: cmp.Or(options.StoreAge, 30*24*time.Hour)}
	if a.store, err = layers.New(filepath.Join(directory, "layers"), a.scratch.Path(), bounds); err != nil {
		return nil, errors.Join(fmt.Errorf("open analyzer: %w", err), a.Close())
	}
	return a, nil
}

// Close ends the processes that wait and removes the scratch folder. No analysis may
// be under way.
func (a *Analyzer) Close() error {
	a.children.close()
	return a.scratch.Close()
}

// Version is the version of syft and a hash of the configuration. Results of
// different versions may differ.
func (a *Analyzer) Version() string { return a.version }

// Source reads an image from its registry. Its documents have been verified against
// their digests; a layer is verified here.
type Source interface {
	Manifest(context.Context) ([]byte, error)
	Config(context.Context) ([]byte, error)
	Layer(context.Context, image.Digest) (io.ReadCloser, error)
}

// Request is one image to analyze.
type Request struct {
	// Name is what the SBOM calls the image, as repository@digest; the digest if
	// empty.
	Name   string
	Digest image.Digest
	Source Source
	// Earlier, if set, finds an earlier analysis of the same layers.
	Earlier Earlier
	// Progress, if set, is called from time to time, never concurrently.
	Progress func(Progress)
}

// Result is a complete analysis.
type Result struct {
	Inventory *sbom.Inventory
	SBOM      []byte // syft's JSON
	Version   string // of the analyzer
	Reused    bool   // the layers were analyzed before, under another manifest
	Usage     Usage
}

// Usage is what an analysis took.
type Usage struct {
	Fetched    int64         // bytes of layers transferred
	CPU        time.Duration // processor time of the child, from its start
	PeakMemory int64         // bytes, of the child
}

// Analyze analyzes one image. An exceeded limit is an errkind.Limit that names it, a
// broken image an errkind.Invalid; errors of the source are returned as they are.
// When ctx ends, so does the child, before Analyze returns.
func (a *Analyzer) Analyze(ctx context.Context, request Request) (Result, error) {
	if err := scratch.Clean(a.parent); err != nil {
		return Result{}, err
	}
	folder, err := a.scratch.New("image")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(folder)
	progress := &reporter{listener: request.Progress}
	documents, err := a.read(ctx, request)
	if err != nil {
		return Result{}, err
	}
	var preparation sync.WaitGroup
	var scanner licenses.File
	preparation.Go(func() { scanner = a.licenseScanner(ctx) }) // takes long only once, while the layers are fetched
	defer preparation.Wait()
	child, err := a.children.take()
	if err != nil {
		return Result{}, err
	}
	defer a.children.release(child)
	fetched, err := a.fetch(ctx, request.Source, documents, folder, progress)
	if err != nil {
		return Result{}, err
	}
	if result, found, err := a.reuse(ctx, request, documents); found || err != nil {
		result.Usage.Fetched = fetched
		return result, err
	}
	progress.update(func(p *Progress) { p.Stage = StageDigest })
	if err := a.digest(ctx, documents, folder); err != nil {
		return Result{}, err
	}
	preparation.Wait()
	result, err := a.inspect(ctx, request, documents, folder, child, scanner, progress)
	result.Usage.Fetched = fetched
	return result, err
}
