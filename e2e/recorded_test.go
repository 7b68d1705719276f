package e2e_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/stack"
)

// TestRecordedDatabases opens the databases that releases have filled, as testdata/record.sh
// recorded them: what they hold is read as then, sent again as then, and goes on from
// there. What a release writes, the current programs write too, under the same names.
func TestRecordedDatabases(t *testing.T) {
	t.Parallel()
	found := map[string]map[string]vocabulary{}
	for _, folder := range made(filepath.Glob("testdata/recorded/*/*"))(t) {
		engine := filepath.Base(folder)
		server := os.Getenv("TAGWATCH_TEST_POSTGRES")
		if engine == "PostgreSQL" && server == "" {
			continue
		}
		version := filepath.Base(filepath.Dir(folder))
		t.Run(version+" on "+engine, func(t *testing.T) {
			database, dir := "", t.TempDir()
			if engine == "PostgreSQL" {
				database = newDatabase(t, server)
			}
			restore(t, folder, database, dir)
			words := wordsOf(t, dir, database)
			if found[engine] == nil {
				found[engine] = map[string]vocabulary{}
			}
			found[engine][version] = words
			r := recordedCounterparts(t)
			r.Stack = made(stack.New(stack.Options{Bin: bin(t), DataDir: dir, Log: r.log, Env: r.settings(database)}))(t)
			r.saysAsBefore(folder) // before a worker changes anything
			r.asLeft()
			r.installation = r.elsewhere(dir, r.settings(database)...)
			r.goesOn()
			must(t, r.Stop())
			if missing := words.without(wordsOf(t, dir, database), "column"); len(missing) > 0 {
				t.Errorf("columns that programs of %s use are gone:\n%s", version, strings.Join(missing, "\n"))
			}
		})
	}
	if len(found["SQLite"]) == 0 {
		t.Fatal("no database is recorded: e2e/testdata/record.sh")
	}
	for engine, versions := range found {
		t.Run("the same filled anew on "+engine, func(t *testing.T) {
			database, dir := "", t.TempDir()
			if engine == "PostgreSQL" {
				database = newDatabase(t, os.Getenv("TAGWATCH_TEST_POSTGRES"))
			}
			r := recordedCounterparts(t)
			r.installation = r.elsewhere(dir, r.settings(database)...)
			r.fill()
			must(t, r.Stop())
			current := wordsOf(t, dir, database)
			for version, words := range versions {
				if missing := words.without(current, ""); len(missing) > 0 {
					t.Errorf("%s wrote what the current programs do not; they have to read both, and changedWords to name the old:\n%s", version, strings.Join(missing, "\n"))
				}
			}
		})
	}
}

// restore makes a recorded database that of an installation.
func restore(t *testing.T, folder, database, dir string) {
	t.Helper()
	file := filepath.Join(dir, "tagwatch.db")
	if database != "" {
		file = filepath.Join(t.TempDir(), "tagwatch.sql")
	}
	must(t, os.WriteFile(file, unzipped(t, filepath.Join(folder, "database.gz")), 0o600))
	if database != "" {
		postgres(t, "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file="+file, database)
	}
}

func unzipped(t *testing.T, path string) []byte {
	t.Helper()
	compressed := made(os.ReadFile(path))(t)
	return made(io.ReadAll(made(gzip.NewReader(bytes.NewReader(compressed)))(t)))(t)
}

// saysAsBefore compares what the command line says of the database with what it said
// when it was recorded.
func (r *recorded) saysAsBefore(folder string) {
	r.t.Helper()
	var before map[string]string
	must(r.t, json.Unmarshal(unzipped(r.t, filepath.Join(folder, "answers.json.gz")), &before))
	now := r.answers()
	for name, text := range before {
		var was, is any
		if json.Unmarshal([]byte(text), &was) != nil || json.Unmarshal([]byte(now[name]), &is) != nil {
			was, is = text, now[name]
		}
		if lost := lost(name, was, is); len(lost) > 0 {
			r.t.Errorf("it no longer says %d things:\n%s", len(lost), strings.Join(lost[:min(len(lost), 10)], "\n"))
		}
	}
}

// passing are values that depend on when somebody asks, or that are words for people.
var passing = regexp.MustCompile(`(?i)checked|age|due|next|created_at|last_modified|note|remedy|reason$`)

// lost are the values of an earlier answer that are not in a later one, which may say more.
func lost(place string, was, is any) []string {
	switch was := was.(type) {
	case map[string]any:
		now, _ := is.(map[string]any)
		var all []string
		for name, value := range was {
			if !passing.MatchString(name) {
				all = append(all, lost(place+"."+name, value, now[name])...)
			}
		}
		return all
	case []any:
		now, _ := is.([]any)
		var all []string
		for i, value := range was {
			var counterpart any
			if i < len(now) {
				counterpart = now[i]
			}
			all = append(all, lost(fmt.Sprintf("%s[%d]", place, i), value, counterpart)...)
		}
		return all
	}
	if !reflect.DeepEqual(was, is) {
		return []string{fmt.Sprintf("%s: %.200v, but %.200v", place, was, is)}
	}
	return nil
}

// asLeft brings the counterparts to where they were when the database was recorded.
func (r *recorded) asLeft() {
	r.t.Helper()
	r.push("shop/api:1", fixedOpenSSL()...)
	r.push("shop/web:1.1", lab.Debian(lab.Bookworm()...))
	must(r.t, r.registry.Delete(r.t.Context(), "shop/gone:1"))
	r.file("images.txt", r.at("shop/job:1"))
	made(r.feed.PublishBuild(r.t.TempDir(), openssl, zlib))(r.t)
}

// goesOn makes sure that what is stored is sent again as it was, and that changes are
// noticed against it.
func (r *recorded) goesOn() {
	r.t.Helper()
	started := r.receiver.All()
	r.do("redeliver", "--since", "876000h", "--endpoint", "receiver")
	for _, want := range r.deliveries("--endpoint", "receiver") {
		r.eventually("notification "+want.Notification+" is sent again", func() bool {
			return slices.ContainsFunc(r.receiver.All()[len(started):], func(h lab.Hook) bool { return bytes.Contains(h.Body, []byte(want.Notification)) })
		})
	}
	fixed := r.push("shop/api:2", fixedOpenSSL()...)
	r.do("rescan", strings.Replace(fixed, r.registry.Host(), recordedRegistry, 1))
	r.reaches(due{"tag_update", r.at("shop/api:2"), "image"}, due{"vuln_update", r.at("shop/api:2"), "image"}, due{"analysis_update", r.at("shop/api:2"), "image"})
	r.do("policy", "add", "--activate", r.file("strict.json", bundleThat("STOP")))
	r.reaches(due{"policy_eval", r.at("shop/web:1.0"), "policy"})
	r.eventually("the late endpoint gets what waited for it", func() bool { return len(r.installation.at("/late")) > 0 })
}

// openDatabase opens the database of an installation behind its back.
func openDatabase(t *testing.T, dir, database string) *sql.DB {
	t.Helper()
	driver, source := "postgres", database
	if database == "" {
		driver, source = "sqlite", "file:"+filepath.Join(dir, "tagwatch.db")
	}
	db := made(sql.Open(driver, source))(t)
	db.SetConnMaxIdleTime(time.Second)
	return db
}
