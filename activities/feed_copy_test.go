package activities_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// copyFleet makes so many of each image that was saved, and of its tag, in the
// database. They differ in the first two digits of the digest and of the tag's
// repository.
func copyFleet(b *testing.B, address string, copies int) {
	b.Helper()
	driver := "postgres"
	if path, found := strings.CutPrefix(address, "sqlite://"); found {
		driver, address = "sqlite", path+"?_pragma=synchronous(OFF)&_pragma=cache_size(-1000000)&_pragma=busy_timeout(60000)"
	}
	db, err := sql.Open(driver, address)
	mustBench(b, err)
	defer db.Close()
	tag := func(column, number string) string {
		return fmt.Sprintf("replace(%s, '/00-app', '/%s-app')", column, number)
	}
	digest := func(column, number string) string {
		return fmt.Sprintf("'sha256:%s' || substr(%s, 10)", number, column)
	}
	for n := 1; n < copies; n++ {
		number := fmt.Sprintf("%02d", n)
		copyRows(b, db, "image", map[string]string{"id": "", "digest": digest("t.digest", number)}, "t.digest LIKE 'sha256:00%'")
		copyRows(b, db, "target", map[string]string{"name": tag("t.name", number), "repository": tag("t.repository", number)}, "t.name LIKE '%/00-app%'")
		copyRows(b, db, "target_state", map[string]string{"target": tag("t.target", number), "analyzed": digest("t.analyzed", number)}, "t.target LIKE '%/00-app%'")
		copyRows(b, db, "subscription", map[string]string{"target": tag("t.target", number)}, "t.target LIKE '%/00-app%'")
	}
	copied := `(SELECT c.id AS copy, m.id AS model FROM image c JOIN image m ON m.digest = 'sha256:00' || substr(c.digest, 10) AND c.id <> m.id) i`
	for _, statement := range []string{
		`DROP INDEX image_group_group`,
		`INSERT INTO image_group (image_id, group_id) SELECT i.copy, g.group_id FROM ` + copied + ` JOIN image_group g ON g.image_id = i.model ORDER BY 1, 2`,
		`CREATE INDEX image_group_group ON image_group (group_id, image_id)`,
		`INSERT INTO image_document (image_id, kind, document) SELECT i.copy, d.kind, d.document FROM ` + copied + ` JOIN image_document d ON d.image_id = i.model`,
		`ANALYZE`,
	} {
		_, err := db.ExecContext(b.Context(), statement)
		mustBench(b, err)
	}
}

// copyRows adds rows like others to a table. Some columns become something else; those
// that become "" the database sets itself.
func copyRows(b *testing.B, db *sql.DB, table string, become map[string]string, where string) {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), "SELECT * FROM "+table+" LIMIT 0")
	mustBench(b, err)
	columns, err := rows.Columns()
	mustBench(b, err)
	mustBench(b, rows.Close())
	columns = slices.DeleteFunc(columns, func(name string) bool { as, changes := become[name]; return changes && as == "" })
	values := make([]string, len(columns))
	for i, name := range columns {
		values[i] = "t." + name
		if as := become[name]; as != "" {
			values[i] = as
		}
	}
	_, err = db.ExecContext(b.Context(), fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %[1]s t WHERE %[4]s",
		table, strings.Join(columns, ", "), strings.Join(values, ", "), where))
	mustBench(b, err)
}
