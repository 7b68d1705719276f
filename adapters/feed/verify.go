package feed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/spf13/afero"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// verify checks a build's file against the digest taken when it was made, once
// in each process. It removes a damaged one and reports it as errkind.NotFound, so
// that it is fetched again.
func (f *Feed) verify(ctx context.Context, checksum string) error {
	path, err := f.Path(checksum)
	if _, verified := f.verified.Load(checksum); err != nil || verified {
		return err
	}
	if err := intact(path); err == nil {
		f.verified.Store(checksum, true)
		return nil
	} else if !errors.Is(err, errkind.Invalid) {
		return fmt.Errorf("verify build %s: %w", checksum, err)
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	gone, err := f.remove(checksum)
	switch {
	case err != nil:
		return err
	case !gone:
		return fmt.Errorf("build %s: %w: it changed on disk and is in use: restart the workers of this data directory", checksum, errkind.Unavailable)
	default:
		return fmt.Errorf("build %s changed on disk and was removed: %w", checksum, errkind.NotFound)
	}
}

// intact compares a database with its digest.
func intact(path string) error {
	disk := afero.NewOsFs()
	made, err := v6.ReadImportMetadata(disk, path)
	if err != nil {
		return fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	digest, err := v6.CalculateDBDigest(disk, filepath.Join(path, v6.VulnerabilityDBFileName))
	if err != nil {
		var unreadable *fs.PathError
		if errors.As(err, &unreadable) {
			return err
		}
		return fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	if digest != made.Digest {
		return fmt.Errorf("%w: digest %s, was %s", errkind.Invalid, digest, made.Digest)
	}
	return nil
}
