package store_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TestEngines: first and last signs of life, whatever the order in which they
// are noted.
func TestEngines(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SeeEngine(ctx, "grype 1", at(0)))
		check(t, s.SeeEngine(ctx, "grype 2", at(1)))
		check(t, s.SeeEngine(ctx, "grype 1", at(3)))
		check(t, s.SeeEngine(ctx, "grype 1", at(2))) // of a worker whose clock is behind
		want := []watch.EngineSeen{{Engine: "grype 1", First: at(0), Last: at(3)}, {Engine: "grype 2", First: at(1), Last: at(1)}}
		if diff := cmp.Diff(want, must[[]watch.EngineSeen](t)(s.Engines(ctx))); diff != "" {
			t.Errorf("engines (-want +got):\n%s", diff)
		}
	})
}

// TestEngineOfBefore: the matcher of a store from before engines were noted is
// known, and older than any other.
func TestEngineOfBefore(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		folder, dialect := "postgres", goose.DialectPostgres
		if strings.HasPrefix(url, "sqlite") {
			folder, dialect = "sqlite", goose.DialectSQLite3
		}
		migrateTo(t, url, folder, dialect, 34)
		execute(t, url, `UPDATE feed SET engine = 'grype 1'`)
		s := open(t, url)
		engines := must[[]watch.EngineSeen](t)(s.Engines(t.Context()))
		if len(engines) != 1 || engines[0].Engine != "grype 1" || !engines[0].First.IsZero() {
			t.Errorf("engines %+v", engines)
		}
	})
}
