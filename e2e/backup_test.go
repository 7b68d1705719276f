package e2e_test

import (
	"context"
	"database/sql"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/glebarez/go-sqlite"

	"github.com/tagwatch/tagwatch/lab"
)

// TestRestoredBackup makes a backup while everything runs, as the manual says,
// loses all else, restores it into an empty database and goes on: on another
// data directory and an empty Temporal.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	for name, database := range databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := install(t, databaseSetting(database)...)
			i.do("endpoint", "add", "late", i.receiver.URL()+"/late")
			lift := i.receiver.Fail(lab.Fault{Path: "/late", Status: http.StatusServiceUnavailable})
			reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
			i.do("subscribe", "--wait", "--interval", "30s", reference)
			i.notified(1)
			i.eventually("both were tried", func() bool { return len(i.at("/late")) > 0 && len(i.deliveries("--state", "delivered")) == 1 })
			dir := t.TempDir()
			restored := backUp(t, i, database, dir)
			must(t, i.Stop())

			i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
			next := i.elsewhere(dir, databaseSetting(restored)...)
			lift()
			next.eventually("the move and the analysis after it arrive at both", func() bool {
				return next.kinds("/")["analysis_update"] == 2 && next.kinds("/late")["analysis_update"] == 2
			})
			next.eventually("nothing is left", func() bool { return len(next.deliveries("--pending")) == 0 })
			for _, path := range []string{"/", "/late"} {
				if got := next.kinds(path); got["analysis_update"] != 2 || got["tag_update"] != 1 {
					t.Errorf("%s was notified %v, want the move and an analysis before and after it", path, got)
				}
			}
		})
	}
}

func databaseSetting(database string) []string {
	if database == "" {
		return nil
	}
	return []string{"TAGWATCH_DATABASE_URL=" + database}
}

// kinds counts what one path of the receiver was notified, each notification once.
func (i *installation) kinds(path string) map[string]int { return kinds(byID(i.t, i.at(path))) }

// backUp copies the running installation's database into an empty one: for SQLite
// into the directory, for PostgreSQL into another database, which it returns.
func backUp(t *testing.T, i *installation, database, dir string) (restored string) {
	t.Helper()
	if database == "" {
		db := made(sql.Open("sqlite", "file:"+filepath.Join(i.DataDir(), "tagwatch.db")))(t)
		defer db.Close()
		made(db.ExecContext(t.Context(), "VACUUM INTO ?", filepath.Join(dir, "tagwatch.db")))(t)
		return ""
	}
	file := filepath.Join(dir, "tagwatch.dump")
	restored = newDatabase(t, database)
	postgres(t, "pg_dump", "--format=custom", "--file="+file, database)
	postgres(t, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+restored, file)
	return restored
}

// postgres runs one of the programs of the newest PostgreSQL that is installed.
func postgres(t *testing.T, program string, arguments ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if found := made(filepath.Glob("/usr/lib/postgresql/*/bin/" + program))(t); len(found) > 0 {
		path, err = slices.Max(found), nil
	}
	must(t, err)
	if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), path, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
}
