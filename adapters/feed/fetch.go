package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Fetch downloads the build of a listing, unless it is here already, and returns it.
// The checksum and the database's own build time must be the listed ones; it may be
// older than other builds. Fetch calls report with its progress, and leaves nothing
// behind when it fails.
func (f *Feed) Fetch(ctx context.Context, listing vuln.Listing, report func(string)) (vuln.Build, error) {
	accept := func(d vuln.Description) error {
		if d.Built.Equal(listing.Built) {
			return nil
		}
		return fmt.Errorf("%w: its build time is %s in the listing and %s in the database",
			errkind.Invalid, instant(listing.Built), instant(d.Built))
	}
	return f.fetch(ctx, vuln.Build{Checksum: listing.Checksum, URL: listing.URL}, report, accept)
}

// Ensure fetches a build by name unless it is here and whole, for workers
// other than the one that first fetched it.
func (f *Feed) Ensure(ctx context.Context, wanted vuln.Build) error {
	err := f.verify(ctx, wanted.Checksum)
	if err == nil || !errors.Is(err, errkind.NotFound) {
		return err
	}
	if wanted.URL == "" {
		return fmt.Errorf("build %s is not in this worker's data directory and came from a file: run `tagwatch feed import` on this worker too, or serve the file from a mirror: %w",
			wanted.Checksum, errkind.Unavailable)
	}
	everything := func(vuln.Description) error { return nil }
	_, err = f.fetch(ctx, wanted, func(string) {}, everything)
	return err
}

func (f *Feed) fetch(ctx context.Context, wanted vuln.Build, report func(string), accept accept) (vuln.Build, error) {
	made, err := f.add(ctx, wanted, f.downloaded(wanted, report), accept)
	if err != nil {
		return vuln.Build{}, fmt.Errorf("fetch build %s: %w", wanted.Checksum, err)
	}
	return made, nil
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
