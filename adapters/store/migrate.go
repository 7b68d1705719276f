package store

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/schema"
)

// migrate applies the migrations of that folder which the database lacks.
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
		return fmt.Errorf("%s has schema version %d and this program knows version %d: a newer Tagwatch has used it; use that one or a newer: %w",
			s.name, current, known, fault.Conflict)
	}
	_, err = provider.Up(ctx)
	return err
}
