package feed

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/spf13/afero"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// source gives the file of an archive; it may make it in the scratch directory.
type source func(ctx context.Context, scratch string) (file string, err error)

// accept may refuse a database by its description.
type accept func(vuln.Description) error

const (
	partialPrefix   = "partial-"
	descriptionFile = "build.json"
)

// add makes a build that is not here yet. Meanwhile, other processes that add to the
// directory wait.
func (f *Feed) add(ctx context.Context, wanted vuln.Build, from source, accept accept) (vuln.Build, error) {
	dir, err := f.dir(wanted.Checksum)
	if err != nil {
		return vuln.Build{}, err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return vuln.Build{}, err
	}
	defer unlock()
	if f.Has(wanted.Checksum) {
		return f.found(ctx, wanted, accept)
	}
	scratch := filepath.Join(f.root, partialPrefix+filepath.Base(dir))
	made, err := f.make(ctx, scratch, wanted, from, accept)
	if err == nil {
		err = f.place(scratch, dir)
	}
	if err != nil {
		return vuln.Build{}, errors.Join(err, os.RemoveAll(scratch))
	}
	f.verified.Store(wanted.Checksum, true)
	return made.Build, durable(f.root)
}

// place moves a scratch directory to the place of the build, and replaces one that
// has lost a part.
func (f *Feed) place(scratch, dir string) error {
	broken := scratch + "-broken"
	if err := os.RemoveAll(broken); err != nil {
		return fmt.Errorf("replace what is left of a build: %w", err)
	}
	if err := os.Rename(dir, broken); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace what is left of a build: %w", err)
	}
	return errors.Join(os.Rename(scratch, dir), os.RemoveAll(broken))
}

// found returns a build that is here already, with the wanted address: it may have
// come from a file.
func (f *Feed) found(ctx context.Context, wanted vuln.Build, accept accept) (vuln.Build, error) {
	description, err := f.Describe(ctx, wanted.Checksum)
	if err != nil {
		return vuln.Build{}, err
	}
	found := description.Build
	found.URL = cmp.Or(wanted.URL, found.URL)
	return found, accept(description)
}

// make makes a build in a scratch directory, where a crash may have left files.
func (f *Feed) make(ctx context.Context, scratch string, wanted vuln.Build, from source, accept accept) (vuln.Description, error) {
	dir := filepath.Join(scratch, modelDir)
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(dir, 0o755)); err != nil {
		return vuln.Description{}, fmt.Errorf("make scratch directory: %w", err)
	}
	archive, err := from(ctx, scratch)
	if err != nil {
		return vuln.Description{}, err
	}
	database := filepath.Join(dir, v6.VulnerabilityDBFileName)
	if err := f.unpack(ctx, archive, database); err != nil {
		return vuln.Description{}, fmt.Errorf("%s: %w", cmp.Or(wanted.URL, "the file"), err)
	}
	if strings.HasPrefix(archive, scratch) {
		if err := os.Remove(archive); err != nil {
			return vuln.Description{}, fmt.Errorf("remove archive: %w", err)
		}
	}
	return finish(ctx, scratch, wanted, accept)
}

// finish checks an unpacked database, makes its indexes and describes it.
func finish(ctx context.Context, scratch string, wanted vuln.Build, accept accept) (vuln.Description, error) {
	dir := filepath.Join(scratch, modelDir)
	head, err := readHead(dir)
	if err != nil {
		return vuln.Description{}, err
	}
	if err := accept(head); err != nil {
		return vuln.Description{}, err
	}
	if err := v6.Hydrater()(dir); err != nil {
		return vuln.Description{}, fmt.Errorf("index database: %w: %w", errkind.Invalid, err)
	}
	if _, err := v6.WriteImportMetadata(afero.NewOsFs(), dir, wanted.URL); err != nil {
		return vuln.Description{}, fmt.Errorf("write import metadata: %w", err)
	}
	description, err := describe(ctx, dir, wanted)
	if err != nil {
		return vuln.Description{}, err
	}
	return description, save(scratch, description)
}

// save writes the description, and makes all of the build durable.
func save(scratch string, description vuln.Description) error {
	text, err := json.MarshalIndent(description, "", "  ")
	if err != nil {
		return fmt.Errorf("encode description: %w", err)
	}
	if err := os.WriteFile(filepath.Join(scratch, descriptionFile), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write description: %w", err)
	}
	dir := filepath.Join(scratch, modelDir)
	for _, path := range []string{
		filepath.Join(dir, v6.VulnerabilityDBFileName), filepath.Join(dir, v6.ImportMetadataFileName), dir,
		filepath.Join(scratch, descriptionFile), scratch,
	} {
		if err := durable(path); err != nil {
			return err
		}
	}
	return nil
}

// durable makes a file, or the names in a directory, durable.
func durable(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return errors.Join(file.Sync(), file.Close())
}
