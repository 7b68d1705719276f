package feed

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// BuildEdited is BuildAt with SQL statements that change the database before it is
// packed, for content that no provider's records can give.
func BuildEdited(dir string, built time.Time, statements []string, vulnerabilities ...Vulnerability) (Database, error) {
	return build(dir, built, vulnerabilities, func(path string) error {
		database, err := sql.Open("sqlite", path)
		if err != nil {
			return fmt.Errorf("edit %s: %w", path, err)
		}
		for _, statement := range statements {
			if _, err := database.Exec(statement); err != nil {
				return errors.Join(fmt.Errorf("edit %s: %.60s: %w", path, statement, err), database.Close())
			}
		}
		return database.Close()
	})
}
