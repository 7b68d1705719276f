package store

import (
	"database/sql"
	"fmt"
	"os"
	"testing"

	"github.com/lib/pq"
)

// One connection runs more statements than it keeps, twice, beside statements that are not
// kept, failed ones and a table that gets a column.
func TestPreparedStatements(t *testing.T) {
	t.Parallel()
	server := os.Getenv("TAGWATCH_TEST_POSTGRES")
	if server == "" {
		t.Skip("TAGWATCH_TEST_POSTGRES is not set")
	}
	connector, err := pq.NewConnector(server)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(preparing{connector})
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	ctx := t.Context()
	run := func(text string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(ctx, text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	number := func(text string, args ...any) (n int) {
		t.Helper()
		if err := db.QueryRowContext(ctx, text, args...).Scan(&n); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return n
	}
	run(`CREATE TEMPORARY TABLE numbered (n BIGINT PRIMARY KEY)`)
	for round := range 2 {
		for i := range preparedStatements + 20 {
			if got := number(fmt.Sprintf(`SELECT $1::bigint + %d`, i), round); got != round+i {
				t.Errorf("round %d: statement %d returned %d", round, i, got)
			}
		}
		run(`INSERT INTO numbered (n) VALUES ($1)`, round)
		if _, err := db.ExecContext(ctx, `INSERT INTO numbered (n) VALUES ($1)`, round); err == nil {
			t.Error("the same row was inserted twice")
		}
		run(fmt.Sprintf(`ALTER TABLE numbered ADD COLUMN added%d TEXT`, round))
		if got := number(`SELECT count(n) FROM numbered WHERE n >= $1`, 0); got != round+1 {
			t.Errorf("round %d: %d rows", round, got)
		}
	}
	if kept := number(`SELECT count(*) FROM pg_prepared_statements`); kept != preparedStatements {
		t.Errorf("the connection keeps %d statements, want %d", kept, preparedStatements)
	}
}
