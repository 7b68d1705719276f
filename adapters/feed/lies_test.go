package feed_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/tagwatch/tagwatch/adapters/feed"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/lab"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

const (
	listing = "latest.json"
	archive = ".tar.zst"
)

// TestBadPublisher publishes good data, then bad ones, then good ones again. The
// first must stay as they are, and the last must come without help.
func TestBadPublisher(t *testing.T) {
	t.Parallel()
	lie := func(lies ...labfeed.Lie) func(*testing.T, stage, labfeed.Database) {
		return func(t *testing.T, s stage, d labfeed.Database) { s.publish(t, d, lies...) }
	}
	fail := func(f lab.Fault) func(*testing.T, stage, labfeed.Database) {
		return func(t *testing.T, s stage, d labfeed.Database) {
			s.publish(t, d)
			s.publisher.Fail(f)
		}
	}
	packed := func(pack func(*testing.T, labfeed.Database) []byte) func(*testing.T, stage, labfeed.Database) {
		return func(t *testing.T, s stage, d labfeed.Database) { s.publish(t, repacked(t, d, pack(t, d))) }
	}
	cases := []struct {
		name string
		bad  func(*testing.T, stage, labfeed.Database)
		want error
	}{
		{"listing: 500", fail(lab.Fault{Path: listing, Status: 500}), errkind.Unavailable},
		{"listing: 404", fail(lab.Fault{Path: listing, Status: 404}), errkind.NotFound},
		{"listing: 403", fail(lab.Fault{Path: listing, Status: 403}), errkind.Unauthorized},
		{"listing: 429", fail(lab.Fault{Path: listing, Status: 429}), errkind.Unavailable},
		{"listing: not JSON", fail(lab.Fault{Path: listing, Status: 200, Body: "<html>"}), errkind.Invalid},
		{"listing: empty", fail(lab.Fault{Path: listing, Status: 200, Body: "{}"}), errkind.Invalid},
		{"listing: too large", fail(lab.Fault{Path: listing, Status: 200, Body: strings.Repeat(" ", 1<<20+1)}), errkind.Limit},
		{"listing: stalls", fail(lab.Fault{Path: listing, Stall: true}), errkind.Unavailable},
		{"listing: connection broken", fail(lab.Fault{Path: listing, Drop: true}), errkind.Unavailable},
		{"listing: cut off", fail(lab.Fault{Path: listing, CutAfter: 20}), errkind.Unavailable},
		{"listing: no checksum", lie(labfeed.NoChecksum), errkind.Invalid},
		{"listing: another model", lie(labfeed.ClaimModel(5)), errkind.Invalid},
		{"archive: 500", fail(lab.Fault{Path: archive, Status: 500}), errkind.Unavailable},
		{"archive: 404", fail(lab.Fault{Path: archive, Status: 404}), errkind.NotFound},
		{"archive: stalls", fail(lab.Fault{Path: archive, Stall: true}), errkind.Unavailable},
		{"archive: connection broken", fail(lab.Fault{Path: archive, Drop: true}), errkind.Unavailable},
		{"archive: cut off", fail(lab.Fault{Path: archive, CutAfter: 5000}), errkind.Unavailable},
		{"archive: wrong checksum", lie(labfeed.WrongChecksum), errkind.Invalid},
		{"archive: corrupt", lie(labfeed.Corrupt), errkind.Invalid},
		{"archive: half", lie(labfeed.Truncate), errkind.Invalid},
		{"archive: holds junk", lie(labfeed.Junk), errkind.Invalid},
		{"archive: built at another time", lie(labfeed.ClaimBuilt(time.Now().Add(time.Hour))), errkind.Invalid},
		{"archive: of no kind", packed(func(*testing.T, labfeed.Database) []byte { return []byte("hello") }), errkind.Invalid},
		{"archive: empty", packed(func(*testing.T, labfeed.Database) []byte { return nil }), errkind.Invalid},
		{"archive: without database", packed(func(t *testing.T, _ labfeed.Database) []byte { return tarOf(t, "other.db", []byte("x")) }), errkind.Invalid},
		{"archive: outside of it", packed(func(t *testing.T, d labfeed.Database) []byte { return tarOf(t, "../vulnerability.db", inside(t, d)) }), errkind.Invalid},
		{"archive: half a database", packed(func(t *testing.T, d labfeed.Database) []byte {
			whole := inside(t, d)
			return tarOf(t, "vulnerability.db", whole[:len(whole)/2])
		}), errkind.Invalid},
		{"archive: another model's database", packed(func(t *testing.T, d labfeed.Database) []byte {
			return tarOf(t, "vulnerability.db", altered(t, inside(t, d), "UPDATE db_metadata SET model = 5"))
		}), errkind.Invalid},
		{"archive: a database that does not say when it was built", packed(func(t *testing.T, d labfeed.Database) []byte {
			return tarOf(t, "vulnerability.db", altered(t, inside(t, d), "CREATE TABLE other AS SELECT * FROM db_metadata",
				"DROP TABLE db_metadata", "ALTER TABLE other RENAME TO db_metadata", "UPDATE db_metadata SET build_timestamp = NULL"))
		}), errkind.Invalid},
		{"archive: bomb", packed(func(t *testing.T, _ labfeed.Database) []byte {
			return tarOf(t, "vulnerability.db", make([]byte, 32<<20))
		}), errkind.Limit},
		{"archive: bomb beside it", packed(func(t *testing.T, _ labfeed.Database) []byte { return tarOf(t, "other", make([]byte, 64<<20)) }), errkind.Limit},
		{"archive: too large", packed(func(*testing.T, labfeed.Database) []byte { return make([]byte, 16<<20+1) }), errkind.Limit},
	}
	options := feed.Options{Stall: 2 * time.Second, MaxArchive: 16 << 20, MaxDatabase: 24 << 20}
	first, bad, last := build(t), build(t, knowledge[0]), build(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, options)
			s.publish(t, first)
			current, err := s.sync(t.Context())
			must(t, err)
			c.bad(t, s, bad)
			if _, err := s.sync(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if diff := cmp.Diff([]string{dirOf(current)}, s.entries(t)); diff != "" {
				t.Errorf("directory after the bad data (-want +got):\n%s", diff)
			}
			must(t, open(t, s.root, feed.Options{URL: s.publisher.URL()}).Ensure(t.Context(), current))
			s.publisher.Heal()
			s.publish(t, last)
			_, err = s.sync(t.Context())
			must(t, err)
		})
	}
}

// TestListedStatus is what the publisher says of the future, in any case; nothing
// is not "active".
func TestListedStatus(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	database := build(t)
	for stated, want := range map[string]vuln.Lifecycle{"active": "active", "deprecated": "deprecated", "EOL": "eol", "": "unstated", "retired": "retired"} {
		s.publish(t, database, labfeed.StateStatus(stated))
		if got, err := s.Latest(t.Context()); err != nil || got.Status != want {
			t.Errorf("stated is %q: status %q, error %v", stated, got.Status, err)
		}
	}
}

func TestCanceledFetchLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	s.publisher.Fail(lab.Fault{Path: archive, Stall: true})
	offer, err := s.Latest(t.Context())
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Fetch(ctx, offer, func(string) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that time was up", err)
	}
	if left := s.entries(t); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	database := build(t)
	whole, err := os.ReadFile(database.Archive)
	must(t, err)
	cases := []struct {
		name string
		file []byte
		want error
	}{
		{"archive", whole, nil},
		{"bare database", inside(t, database), nil},
		{"half an archive", whole[:len(whole)/2], errkind.Invalid},
		{"junk", []byte("junk"), errkind.Invalid},
		{"half a database", inside(t, database)[:20000], errkind.Invalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, feed.Options{})
			file := filepath.Join(t.TempDir(), "file")
			must(t, os.WriteFile(file, c.file, 0o600))
			got, err := s.Import(t.Context(), file)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if c.want != nil {
				if left := s.entries(t); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				return
			}
			if want := fmt.Sprintf("sha256:%x", sha256.Sum256(c.file)); got.Checksum != want || !got.Built.Equal(database.Built) {
				t.Errorf("build %+v, want checksum %s, built %s", got, want, database.Built)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("the imported file is gone: %v", err)
			}
		})
	}
}

func TestImportOfNoFile(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	if _, err := s.Import(t.Context(), filepath.Join(s.root, "none")); !errors.Is(err, errkind.NotFound) {
		t.Errorf("error %v, want errkind.NotFound", err)
	}
}

// repacked is a database whose archive has another content.
func repacked(t *testing.T, d labfeed.Database, content []byte) labfeed.Database {
	t.Helper()
	d.Archive = filepath.Join(t.TempDir(), filepath.Base(d.Archive))
	d.Checksum = fmt.Sprintf("sha256:%x", sha256.Sum256(content))
	must(t, os.WriteFile(d.Archive, content, 0o600))
	return d
}

func tarOf(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	compressed, err := zstd.NewWriter(&out)
	must(t, err)
	packer := tar.NewWriter(compressed)
	must(t, packer.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}))
	_, err = packer.Write(content)
	must(t, errors.Join(err, packer.Close(), compressed.Close()))
	return out.Bytes()
}

// inside is the database of an archive.
func inside(t *testing.T, d labfeed.Database) []byte {
	t.Helper()
	file, err := os.Open(d.Archive)
	must(t, err)
	defer file.Close()
	stream, err := zstd.NewReader(file)
	must(t, err)
	defer stream.Close()
	members := tar.NewReader(stream)
	_, err = members.Next()
	must(t, err)
	var out bytes.Buffer
	_, err = out.ReadFrom(members)
	must(t, err)
	return out.Bytes()
}

// altered runs statements on a database.
func altered(t *testing.T, database []byte, statements ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "altered.db")
	must(t, os.WriteFile(file, database, 0o600))
	db, err := sql.Open("sqlite", file)
	must(t, err)
	_, err = db.Exec(strings.Join(statements, ";"))
	must(t, errors.Join(err, db.Close()))
	out, err := os.ReadFile(file)
	must(t, err)
	return out
}
