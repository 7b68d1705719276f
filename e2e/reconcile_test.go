package e2e_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/glebarez/go-sqlite"

	"github.com/tagwatch/tagwatch/lab"
)

// reconciled is what the tests read of tagwatch reconcile -o json.
type reconciled struct {
	InOrder  bool `json:"in_order"`
	Watchers []struct {
		Kind                   string
		Wanted, Missing, Stray int
	}
}

func (i *installation) reconcile(arguments ...string) (r reconciled) {
	i.t.Helper()
	result := made(i.Run(i.t.Context(), append([]string{"reconcile", "-o", "json"}, arguments...)...))(i.t)
	if result.Code > 1 {
		i.t.Fatalf("reconcile: %s", result.Err)
	}
	must(i.t, json.Unmarshal([]byte(result.Out), &r))
	return r
}

// TestTemporalLost: the store alone brings everything back, and nothing is notified
// twice.
func TestTemporalLost(t *testing.T) {
	t.Parallel()
	const tags = 5
	i := install(t)
	i.push("shop/api:0", lab.Debian(lab.Bookworm()...))
	for n := range tags {
		must(t, i.registry.Tag("shop/api:0", fmt.Sprint(n)))
		i.do("subscribe", "--wait", "--interval", "30s", fmt.Sprintf("%s/shop/api:%d", i.registry.Host(), n))
	}
	i.do("repository", "watch", i.registry.Host()+"/shop/web", "--no-verify", "--list-interval", "1m")
	i.notified(tags)
	if r := i.reconcile("--dry-run"); !r.InOrder {
		t.Errorf("before the loss: %+v", r)
	}

	must(t, i.Stop())
	must(t, os.RemoveAll(filepath.Join(i.DataDir(), "temporal")))
	must(t, i.Start(t.Context()))
	i.reconcile()
	i.eventually("everything runs that should", func() bool { return i.reconcile("--dry-run").InOrder })
	for _, c := range i.reconcile("--dry-run").Watchers {
		if want := map[string]int{"tag": tags, "registry": 1, "repository": 1, "endpoint": 1}[c.Kind]; c.Wanted != want {
			t.Errorf("%d %s watchers are wanted, want %d", c.Wanted, c.Kind, want)
		}
	}
	// The one that moves is notified by itself, and the others are not notified again.
	i.push("shop/api:0", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	got := kinds(i.notified(tags + 2))
	if want := map[string]int{"analysis_update": tags + 1, "tag_update": 1}; !maps.Equal(got, want) {
		t.Errorf("notified %v, want %v", got, want)
	}
}

// TestStrayWatcher: a watcher whose subscription is gone ends.
func TestStrayWatcher(t *testing.T) {
	t.Parallel()
	i := install(t)
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", "--wait", reference)
	i.notified(1)
	i.forget(reference)
	stray := func() (n int) {
		for _, c := range i.reconcile("--dry-run").Watchers {
			n += c.Stray
		}
		return n
	}
	i.eventually("the watchers without a subscription are found", func() bool { return stray() == 2 })
	i.reconcile()
	i.eventually("they end", func() bool { return stray() == 0 })
}

// forget takes a tag's subscriptions out of the database behind Tagwatch's back,
// as the return to an older backup does.
func (i *installation) forget(reference string) {
	i.t.Helper()
	file := filepath.Join(i.DataDir(), "tagwatch.db")
	db := made(sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"))(i.t)
	defer db.Close()
	for _, statement := range []string{"DELETE FROM subscription WHERE target = ?", "DELETE FROM target WHERE name = ?"} {
		made(db.ExecContext(i.t.Context(), statement, reference))(i.t)
	}
}
