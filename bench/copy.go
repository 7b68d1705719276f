package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// copies is how many tags are copies of the first ordinary one.
func (w *world) copies() int {
	if !w.copied {
		return 0
	}
	return max(0, w.tags-w.images-w.flips-1)
}

// copyTags adds tags to the database that are in every respect like the first
// ordinary one, as if they had been watched for long. They are checked, and
// meet data and policies, like others; only that their watchers, which would
// sleep, are not started.
func (w *world) copyTags(ctx context.Context) error {
	if w.database == nil {
		return errors.New("-copied needs PostgreSQL: leave -sqlite out")
	}
	for n := range w.copies() {
		if err := w.registry.Tag(ordinary+"0:0", fmt.Sprint(n+1)); err != nil {
			return err
		}
	}
	db, err := sql.Open("postgres", w.database.URL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	repository := w.registry.Host() + "/" + ordinary + "0"
	for _, table := range []struct{ name, key, more string }{
		// Looks that are spread over a minute, as they come to be.
		{"target", "name", ", 'due', extract(epoch FROM now())::bigint * 1000000 + n * 60000000::bigint / $3"},
		{"target_state", "target", ", 'revision', 1 + 0 * $3"},
		{"target_document", "target", ", 'kind', case when $3 > 0 then t.kind end"},
		{"subscription", "target", ", 'type', case when $3 > 0 then t.type end"},
	} {
		statement := fmt.Sprintf(`INSERT INTO %[1]s SELECT (jsonb_populate_record(t, jsonb_build_object('%[2]s', $1::text || ':' || n%[3]s))).*
			FROM %[1]s t, generate_series(1, $2::int) n WHERE t.%[2]s = $1::text || ':0'`, table.name, table.key, table.more)
		if _, err := db.ExecContext(ctx, statement, repository, w.copies(), w.copies()); err != nil {
			return fmt.Errorf("copy rows of %s: %w", table.name, err)
		}
	}
	fmt.Printf("%d tags copied in the database\n", w.copies())
	// The poller sleeps until the next tag that it knows of.
	_, err = w.stack.Do(ctx, "subscribe", "--interval", "1m", repository+":0")
	return err
}
