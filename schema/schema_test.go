package schema_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/schema"
)

// baseline is the newest migration of the first version. Those after it meet
// databases that the version before still uses while it is replaced.
const baseline = 1

// breaking are statements that a program which does not know of them may not
// survive.
var breaking = regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN|VIEW)|RENAME\s|ALTER\s+COLUMN|TRUNCATE|DELETE\s+FROM|SET\s+NOT\s+NULL|ADD\s+(CONSTRAINT|UNIQUE|CHECK)|CREATE\s+UNIQUE\s+INDEX|CREATE\s+TRIGGER)`)

// required is a new column that rows of older programs would lack.
var required = regexp.MustCompile(`(?i)ADD\s+COLUMN\s[^;,]*\bNOT\s+NULL\b[^;,]*`)

// TestMigrationsAreAdditive: a migration that older programs do not survive says
// so in min_compatible_version, so that they refuse to start instead of failing halfway.
func TestMigrationsAreAdditive(t *testing.T) {
	t.Parallel()
	for _, matcher := range []string{"postgres", "sqlite"} {
		for _, name := range names(t, matcher) {
			if number(t, name) <= baseline {
				continue
			}
			content, err := schema.Files.ReadFile(matcher + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			if found := harm(string(content)); found != "" && !raisesFloor(string(content), number(t, name)) {
				t.Errorf("%s/%s: %q breaks programs of the version before; add what is new beside what is there, or set min_compatible_version", matcher, name, found)
			}
		}
	}
}

// harm is the statement that breaks older programs; "" for none.
func harm(migration string) string {
	statements := regexp.MustCompile(`(?m)--.*$`).ReplaceAllString(migration, "")
	if found := breaking.FindString(statements); found != "" {
		return found
	}
	for _, column := range required.FindAllString(statements, -1) {
		if !strings.Contains(strings.ToUpper(column), "DEFAULT") {
			return column
		}
	}
	return ""
}

func raisesFloor(migration string, version int) bool {
	return strings.Contains(migration, "UPDATE min_compatible_version SET version = "+strconv.Itoa(version))
}

func TestHarm(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, migration string
		harmful         bool
	}{
		{"a table", "CREATE TABLE a (b TEXT NOT NULL);", false},
		{"an index", "CREATE INDEX a_b ON a (b);", false},
		{"a column with a default", "ALTER TABLE a ADD COLUMN b TEXT NOT NULL DEFAULT '';", false},
		{"a column that may be null", "ALTER TABLE a ADD COLUMN b TEXT;", false},
		{"a comment", "-- DROP TABLE a would break\nCREATE TABLE c (d TEXT);", false},
		{"a required column", "ALTER TABLE a ADD COLUMN b TEXT NOT NULL;", true},
		{"two columns, one required", "ALTER TABLE a ADD COLUMN c TEXT NOT NULL DEFAULT '', ADD COLUMN b TEXT NOT NULL;", true},
		{"a table that goes", "DROP TABLE a;", true},
		{"a column that goes", "ALTER TABLE a DROP COLUMN b;", true},
		{"a new name", "ALTER TABLE a RENAME TO b;", true},
		{"another type", "ALTER TABLE a ALTER COLUMN b TYPE BIGINT;", true},
		{"a new rule", "CREATE UNIQUE INDEX a_b ON a (b);", true},
	} {
		if got := harm(test.migration); (got != "") != test.harmful {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}

// TestEnginesAgree: both have the same migrations.
func TestEnginesAgree(t *testing.T) {
	t.Parallel()
	if postgres, sqlite := names(t, "postgres"), names(t, "sqlite"); !slices.Equal(postgres, sqlite) {
		t.Errorf("PostgreSQL has %v, SQLite %v", postgres, sqlite)
	}
}

func names(t *testing.T, matcher string) []string {
	t.Helper()
	files, err := schema.Files.ReadDir(matcher)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name())
	}
	return names
}

func number(t *testing.T, name string) int {
	t.Helper()
	digits, _, _ := strings.Cut(name, "_")
	version, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return version
}
