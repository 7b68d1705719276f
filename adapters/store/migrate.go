package store

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/schema"
)

// migrate applies the migrations of that folder which the database lacks. A
// database that a newer version has migrated is used as it is, since migrations
// only add: two versions run side by side while one replaces the other.
func (s *Store) migrate(ctx context.Context, dialect goose.Dialect, folder string, options ...goose.ProviderOption) error {
	files, err := fs.Sub(schema.Files, folder)
	if err != nil {
		return err
	}
	options = append(options, goose.WithSlog(slog.New(slog.DiscardHandler)), goose.WithDisableGlobalRegistry(true))
	provider, err := goose.NewProvider(dialect, s.writing.DB, files, options...)
	if err != nil {
		return err
	}
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > known {
		return s.tolerate(ctx, current, known)
	}
	_, err = provider.Up(ctx)
	return err
}

// tolerate is an error for a schema that is newer than this program, if it
// cannot be used by one that does not know it.
func (s *Store) tolerate(ctx context.Context, current, known int64) error {
	var oldest int64
	if err := s.reading.GetContext(ctx, &oldest, `SELECT version FROM min_compatible_version`); err != nil {
		return fmt.Errorf("read which programs may use schema version %d: %w", current, err)
	}
	if oldest <= known {
		return nil
	}
	return fmt.Errorf("%s has schema version %d, which takes a program that knows version %d, and this one knows version %d: a newer Tagwatch has used it; use that one or a newer: %w",
		s.name, current, oldest, known, errkind.Conflict)
}
