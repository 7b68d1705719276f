package feed

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Describe returns the content of a build on this disk.
func (f *Feed) Describe(_ context.Context, checksum string) (vuln.Description, error) {
	if _, err := f.Path(checksum); err != nil {
		return vuln.Description{}, err
	}
	dir, err := f.dir(checksum)
	if err != nil {
		return vuln.Description{}, err
	}
	text, err := os.ReadFile(filepath.Join(dir, descriptionFile))
	if err != nil {
		return vuln.Description{}, fmt.Errorf("describe build %s: %w", checksum, err)
	}
	var description vuln.Description
	if err := json.Unmarshal(text, &description); err != nil {
		return vuln.Description{}, fmt.Errorf("describe build %s: %w: %w", checksum, errkind.Invalid, err)
	}
	// Another version of Tagwatch, which supports another revision, may have written it.
	description.Newer = newer(description.Schema)
	return description, nil
}

// newer reports whether a schema has a later revision than this version supports.
func newer(schema string) bool {
	var model, revision, addition int
	_, err := fmt.Sscanf(schema, "%d.%d.%d", &model, &revision, &addition)
	return err != nil || revision > v6.Revision
}

// readHead reads a database's own metadata, which works without indexes.
func readHead(dir string) (vuln.Description, error) {
	reader, err := v6.NewReader(v6.Config{DBDirPath: dir})
	if err != nil {
		return vuln.Description{}, fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	said, err := reader.GetDBMetadata()
	if err := errors.Join(err, reader.Close()); err != nil {
		return vuln.Description{}, fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	if said.BuildTimestamp == nil || said.BuildTimestamp.IsZero() {
		return vuln.Description{}, fmt.Errorf("%w: the database does not say when it was built", errkind.Invalid)
	}
	head := v6.DescriptionFromMetadata(said)
	version := schema(head.SchemaVersion)
	return vuln.Description{
		Build: vuln.Build{Built: head.Built.UTC().Round(time.Second), Schema: version},
		Newer: newer(version),
	}, nil
}

// describe counts the content of an indexed database.
func describe(ctx context.Context, dir string, wanted vuln.Build) (vuln.Description, error) {
	description, err := readHead(dir)
	if err != nil {
		return vuln.Description{}, err
	}
	description.Checksum, description.URL = wanted.Checksum, wanted.URL
	file := filepath.Join(dir, v6.VulnerabilityDBFileName)
	info, err := os.Stat(file)
	if err != nil {
		return vuln.Description{}, fmt.Errorf("describe build: %w", err)
	}
	description.Size = info.Size()
	address := url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro&immutable=1"}
	db, err := sql.Open("sqlite", address.String()) // the driver that grype registers
	if err != nil {
		return vuln.Description{}, fmt.Errorf("describe build: %w", err)
	}
	if err := errors.Join(count(ctx, db, &description), db.Close()); err != nil {
		return vuln.Description{}, fmt.Errorf("describe build: %w: %w", errkind.Invalid, err)
	}
	return description, nil
}

func count(ctx context.Context, db *sql.DB, into *vuln.Description) error {
	providers, err := readProviders(ctx, db)
	if err != nil {
		return err
	}
	if err := countShares(ctx, db, providers); err != nil {
		return err
	}
	if err := countTotals(ctx, db, into); err != nil {
		return err
	}
	for _, p := range providers {
		if rows, decorating := into.Totals.Of(p.Name); decorating {
			p.Records = rows
		}
		into.Providers = append(into.Providers, *p)
	}
	slices.SortFunc(into.Providers, func(a, b vuln.ProviderState) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// countTotals counts the rows that decorate records.
func countTotals(ctx context.Context, db *sql.DB, into *vuln.Description) error {
	const totals = `SELECT (SELECT count(*) FROM known_exploited_vulnerability_handles), (SELECT count(*) FROM epss_handles),
		(SELECT count(*) FROM cwe_handles), (SELECT count(*) FROM operating_systems WHERE eol_date IS NOT NULL)`
	err := db.QueryRowContext(ctx, totals).
		Scan(&into.Totals.KnownExploited, &into.Totals.Exploitability, &into.Totals.Weaknesses, &into.Totals.EndOfLife)
	if err != nil {
		return err
	}
	var scored sql.NullTime
	err = db.QueryRowContext(ctx, "SELECT date FROM epss_metadata LIMIT 1").Scan(&scored)
	if scored.Valid {
		into.Scored = scored.Time.UTC()
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func readProviders(ctx context.Context, db *sql.DB) (map[string]*vuln.ProviderState, error) {
	providers := map[string]*vuln.ProviderState{}
	err := pairs(ctx, db, "SELECT id, date_captured FROM providers", func(name string, captured sql.NullTime) {
		providers[name] = &vuln.ProviderState{Name: name}
		if captured.Valid {
			providers[name].Captured = captured.Time.UTC()
		}
	})
	return providers, err
}

// countShares counts each provider's records and the rows that refer to them. It
// joins in memory, because SQLite would look up the record of every row.
func countShares(ctx context.Context, db *sql.DB, providers map[string]*vuln.ProviderState) error {
	owner := map[int64]*vuln.ProviderState{}
	err := pairs(ctx, db, "SELECT id, provider_id FROM vulnerability_handles", func(id int64, provider string) {
		p := providers[provider]
		if p == nil { // counted as a provider without a date
			p = &vuln.ProviderState{Name: provider}
			providers[provider] = p
		}
		owner[id] = p
		p.Records++
	})
	if err != nil {
		return err
	}
	for _, table := range []string{"affected_package_handles", "unaffected_package_handles", "affected_cpe_handles", "unaffected_cpe_handles"} {
		err := pairs(ctx, db, "SELECT vulnerability_id, '' FROM "+table, func(id int64, _ string) {
			if p := owner[id]; p != nil {
				p.Rows++
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func pairs[A, B any](ctx context.Context, db *sql.DB, query string, each func(A, B)) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err reports what matters
	for rows.Next() {
		var a A
		var b B
		if err := rows.Scan(&a, &b); err != nil {
			return err
		}
		each(a, b)
	}
	return rows.Err()
}
