package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// The states of an image.
const (
	imageAnalyzed = "analyzed"
	imageFailed   = "analysis_failed"
)

// The kinds of documents of an image.
const (
	kindInventory  = "inventory"
	kindSBOM       = "sbom"
	kindLocations  = "locations"
	kindPlaces     = "places"
	kindUnreadable = "unreadable"
	kindArtifacts  = "artifacts"
)

type imageRow struct {
	ID           int64
	Digest       string
	Analyzer     string
	Config       string
	Problem      string
	Analyzed     int64
	Packages     int
	Files        int
	GroupsEngine string `db:"groups_matcher"`
	Distribution string
}

func (r imageRow) image() (analysis.Image, error) {
	problem, err := parseOptional[condition.Problem](r.Problem)
	return analysis.Image{Digest: image.Digest(r.Digest), ImageID: r.Config, Analyzer: r.Analyzer, Problem: problem, Analyzed: timeOf(r.Analyzed),
		Packages: r.Packages, Files: r.Files}, err
}

func (t tx) image(ctx context.Context, digest image.Digest) (imageRow, error) {
	row, found, err := first[imageRow](ctx, t, `SELECT id, digest, analyzer, config, problem, analyzed, packages, files, groups_matcher, distribution
		FROM image WHERE digest = ?`+t.locking, string(digest))
	if err == nil && !found {
		err = fmt.Errorf("image %s was never analyzed: %w", digest, errkind.NotFound)
	}
	return row, err
}

// ImageHeader is what is known of an image; errkind.NotFound if no analysis was
// tried.
func (s *Store) ImageHeader(ctx context.Context, digest image.Digest) (analysis.Image, error) {
	var header analysis.Image
	err := s.view(ctx, "read image", func(t tx) error {
		row, err := t.image(ctx, digest)
		if err != nil {
			return err
		}
		header, err = row.image()
		return err
	})
	return header, err
}

// SaveImage stores the outcome of an analysis in place of any earlier one. Its
// groups have to be saved anew.
func (s *Store) SaveImage(ctx context.Context, inventory *sbom.Inventory, sbomJSON []byte, analyzer string, now time.Time) error {
	content, err := packExact(inventory)
	if err != nil {
		return err
	}
	located, err := pack(locations(inventory))
	if err != nil {
		return err
	}
	placed, err := pack(whereaboutsOf(inventory))
	if err != nil {
		return err
	}
	unreadable, err := pack(inventory.Unreadable)
	if err != nil {
		return err
	}
	documents := map[string][]byte{kindInventory: content, kindSBOM: compress(sbomJSON), kindLocations: located, kindPlaces: placed, kindUnreadable: unreadable}
	return s.change(ctx, "save image "+string(inventory.Digest), func(t tx) error {
		id, err := one[int64](ctx, t, `INSERT INTO image (digest, state, analyzer, config, analyzed, packages, files, file_system) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (digest) DO UPDATE SET state = excluded.state, analyzer = excluded.analyzer, config = excluded.config, problem = '',
				analyzed = CASE WHEN image.analyzed = 0 THEN excluded.analyzed ELSE image.analyzed END,
				packages = excluded.packages, files = excluded.files, groups_matcher = '', file_system = excluded.file_system
			RETURNING id`,
			string(inventory.Digest), imageAnalyzed, analyzer, inventory.ImageID, toMicros(now), len(inventory.Packages), len(inventory.Files), inventory.FileSystem)
		if err != nil {
			return err
		}
		if err := t.nameConfiguration(ctx, inventory); err != nil {
			return err
		}
		return t.saveImageDocuments(ctx, id, documents)
	})
}

// locations are the places of the packages, by artifact id, for those who need
// nothing else of the inventory.
func locations(inventory *sbom.Inventory) map[string]string {
	places := make(map[string]string, len(inventory.Packages))
	for _, p := range inventory.Packages {
		if p.Location != "" {
			places[p.ID] = p.Location
		}
	}
	return places
}

// whereabouts are a package of an image with its place.
type whereabouts struct {
	Package vuln.Package
	Place   vuln.Place
}

// whereaboutsOf are those of the packages as findings name them: what several have in common is
// known of each.
func whereaboutsOf(inventory *sbom.Inventory) (rows []whereabouts) {
	index := map[vuln.Package]int{}
	for _, p := range inventory.Packages {
		name, layer := vuln.Package{Name: p.Name, Version: p.Version, Type: p.Type, PURL: p.PURL}, inventory.LayerOf(p)
		i, again := index[name]
		if !again {
			index[name] = len(rows)
			rows = append(rows, whereabouts{name, vuln.Place{Paths: p.Locations, Layer: layer}})
			continue
		}
		at := &rows[i].Place
		at.Paths = slices.Concat(at.Paths, p.Locations)
		if at.Layer != layer {
			at.Layer = ""
		}
	}
	return rows
}

// Places are those of the packages of the image; errkind.NotFound if it is not analyzed.
func (s *Store) Places(ctx context.Context, digest image.Digest) (vuln.Places, error) {
	document, err := s.imageDocument(ctx, digest, kindPlaces)
	if err != nil {
		return nil, err
	}
	rows, err := unpack[[]whereabouts](document)
	if err != nil {
		return nil, err
	}
	places := make(vuln.Places, len(rows))
	for _, row := range rows {
		places[row.Package] = row.Place
	}
	return places, nil
}

func (t tx) saveImageDocuments(ctx context.Context, id int64, documents map[string][]byte) error {
	for kind, document := range documents {
		if err := t.run(ctx, `INSERT INTO image_document (image_id, kind, document) VALUES (?, ?, ?)
			ON CONFLICT (image_id, kind) DO UPDATE SET document = excluded.document`, id, kind, document); err != nil {
			return err
		}
	}
	return nil
}

// SaveFailure remembers that the analyzer cannot analyze the image. What an
// earlier analysis found stays.
func (s *Store) SaveFailure(ctx context.Context, digest image.Digest, analyzer string, problem condition.Problem, now time.Time) error {
	if problem.Since.IsZero() {
		problem.Since = now
	}
	text, err := format(problem)
	if err != nil {
		return err
	}
	return s.change(ctx, "save failed analysis of "+string(digest), func(t tx) error {
		return t.run(ctx, `INSERT INTO image (digest, state, analyzer, problem) VALUES (?, ?, ?, ?)
			ON CONFLICT (digest) DO UPDATE SET state = excluded.state, analyzer = excluded.analyzer, problem = excluded.problem`,
			string(digest), imageFailed, analyzer, text)
	})
}

// ImageLike is an image with that file system that the analyzer analyzed;
// errkind.NotFound if there is none.
func (s *Store) ImageLike(ctx context.Context, fileSystem, analyzer string) (image.Digest, error) {
	var digest string
	err := s.view(ctx, "look for an analysis of the same layers", func(t tx) (err error) {
		var found bool
		digest, found, err = first[string](ctx, t, `SELECT digest FROM image
			WHERE file_system = ? AND file_system <> '' AND analyzer = ? AND state = ? ORDER BY id LIMIT 1`, fileSystem, analyzer, imageAnalyzed)
		if err == nil && !found {
			err = errkind.NotFound
		}
		return err
	})
	return image.Digest(digest), err
}

// Inventory is what the analysis of the image found.
func (s *Store) Inventory(ctx context.Context, digest image.Digest) (*sbom.Inventory, error) {
	document, err := s.imageDocument(ctx, digest, kindInventory)
	if err != nil {
		return nil, err
	}
	inventory, err := unpackExact[sbom.Inventory](document)
	return &inventory, err
}

// SBOM is the image's SBOM in syft's JSON.
func (s *Store) SBOM(ctx context.Context, digest image.Digest) ([]byte, error) {
	document, err := s.imageDocument(ctx, digest, kindSBOM)
	if err != nil {
		return nil, err
	}
	return decompress(document)
}

// Unreadable are the files of the image that could not be read for their packages.
func (s *Store) Unreadable(ctx context.Context, digest image.Digest) ([]sbom.Unreadable, error) {
	document, err := s.imageDocument(ctx, digest, kindUnreadable)
	if err != nil {
		return nil, err
	}
	return unpack[[]sbom.Unreadable](document)
}

func (s *Store) imageDocument(ctx context.Context, digest image.Digest, kind string) ([]byte, error) {
	var document []byte
	err := s.view(ctx, "read "+kind+" of "+string(digest), func(t tx) error {
		row, err := t.image(ctx, digest)
		if err != nil {
			return err
		}
		document, err = t.imageDocument(ctx, row.ID, kind)
		return err
	})
	return document, err
}

func (t tx) imageDocument(ctx context.Context, id int64, kind string) ([]byte, error) {
	document, found, err := first[[]byte](ctx, t, `SELECT document FROM image_document WHERE image_id = ? AND kind = ?`, id, kind)
	if err == nil && !found {
		err = fmt.Errorf("no analysis of the image succeeded: %w", errkind.NotFound)
	}
	return document, err
}
