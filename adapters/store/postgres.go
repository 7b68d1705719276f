package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// postgresServer is a database of a PostgreSQL server.
type postgresServer struct {
	dsn  string
	name string
}

// maxConnections leaves room for several workers under PostgreSQL's own default
// of 100.
const maxConnections = 16

func (p postgresServer) open(context.Context) (*Store, error) {
	connector, err := pq.NewConnector(p.dsn)
	if err != nil {
		// The driver's text may repeat the URL.
		return nil, fmt.Errorf("%s: the database URL has an option that the driver does not accept: %w", p.name, errkind.Invalid)
	}
	db := sql.OpenDB(preparing{connector})
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	pool := sqlx.NewDb(db, "postgres")
	return &Store{reading: pool, writing: pool, locking: " FOR UPDATE", name: p.name}, nil
}

// peek is open: a server makes no databases by itself.
func (p postgresServer) peek(ctx context.Context) (*Store, error) { return p.open(ctx) }

// migrate lets one process at a time change the schema.
func (p postgresServer) migrate(ctx context.Context, s *Store) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // tries each second, for 300 seconds
	if err != nil {
		return err
	}
	return s.migrate(ctx, goose.DialectPostgres, "postgres", goose.WithSessionLocker(locker))
}
