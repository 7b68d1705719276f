package matcher_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// fleet is what a store keeps of some images: their groups with the findings of one
// build.
type fleet struct {
	groups   []vuln.Group
	findings [][]vuln.GroupFinding
}

func newFleet(t *testing.T, documents map[string][]byte) fleet {
	t.Helper()
	var f fleet
	for _, name := range sortedKeys(documents) {
		groups, _, err := matcher.Groups(documents[name])
		must(t, err)
		f.groups = append(f.groups, groups...)
	}
	return f
}

func (f fleet) match(t *testing.T, db *matcher.Database) [][]vuln.GroupFinding {
	t.Helper()
	found, err := db.Match(t.Context(), f.groups)
	must(t, err)
	return found
}

// update matches again what the delta touches.
func (f fleet) update(t *testing.T, db *matcher.Database, delta vuln.Delta) (updated [][]vuln.GroupFinding, rematched int) {
	t.Helper()
	updated = slices.Clone(f.findings)
	touched := f.touched(delta)
	for _, at := range touched {
		found, err := db.Match(t.Context(), f.groups[at:at+1])
		must(t, err)
		updated[at] = found[0]
	}
	return updated, len(touched)
}

// touched returns the indices of the groups that a delta touches.
func (f fleet) touched(delta vuln.Delta) (indices []int) {
	for i, group := range f.groups {
		var refs []string
		for _, finding := range f.findings[i] {
			refs = append(refs, finding.Refs()...)
		}
		if slices.ContainsFunc(group.Keys, delta.TouchesName) || slices.ContainsFunc(refs, delta.TouchesRecord) {
			indices = append(indices, i)
		}
	}
	return indices
}

func digest(t *testing.T, db *matcher.Database) *vuln.Sums {
	t.Helper()
	sums, err := db.Digest(t.Context())
	must(t, err)
	return sums
}

// TestIncrementalEqualsFull edits the data at random, again and again, and carries
// the findings along without ever matching everything.
func TestIncrementalEqualsFull(t *testing.T) {
	t.Parallel()
	documents := images(t)
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			current := world()
			_, dir := current.build(t)
			db := open(t, dir)
			fleet := newFleet(t, documents)
			fleet.findings = fleet.match(t, db)
			sums := digest(t, db)
			order := random.Perm(len(edits)) // each kind in each run
			for kinds := range slices.Chunk(order, 2) {
				var names []string
				current, names = edited(shuffled(current, random), random, kinds...)
				root, dir := current.build(t)
				db := open(t, dir)
				next := digest(t, db)
				updated, rematched := fleet.update(t, db, vuln.Changed(sums, next))
				if diff := cmp.Diff(fleet.match(t, db), updated); diff != "" {
					t.Fatalf("after %v, %d of %d groups matched again: (-full +incremental):\n%s", names, rematched, len(fleet.groups), diff)
				}
				fleet.findings, sums = updated, next
				if last := kinds[len(kinds)-1] == order[len(order)-1]; last || random.IntN(8) == 0 {
					compareToCommand(t, root, db, documents)
				}
			}
		})
	}
}

func compareToCommand(t *testing.T, root string, db *matcher.Database, documents map[string][]byte) {
	t.Helper()
	for name, document := range documents {
		if diff := cmp.Diff(command(t, root, document), library(t, db, document)); diff != "" {
			t.Errorf("%s: command and library differ (-command +library):\n%s", name, diff)
		}
	}
}

func TestDeltaTouchesLittle(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		edit func(*data)
		want []string // a key of each group that is touched
	}{
		{"nothing", func(*data) {}, nil},
		{"another order", func(d *data) { *d = shuffled(*d, rand.New(rand.NewPCG(1, 1))) }, nil},
		{"scores", func(d *data) { d.scores = map[string]float64{"CVE-2023-1": 0.9} }, nil},
		{"a description", func(d *data) { d.recordOf("GHSA-bbbb-aaaa-0001").description = "new" }, []string{"@babel/core"}},
		{"a related record", func(d *data) { d.recordOf("CVE-2023-2").severity = "low" }, []string{"zlib1g"}},
		{"a package's row", func(d *data) { d.rowOf("@babel/core").fixed = "8" }, []string{"@babel/core"}},
		{"a source package's row", func(d *data) { d.rowOf("zlib").state = v6.NotFixedStatus }, []string{"zlib1g"}},
		{"a product's row", func(d *data) { d.rowOf("busybox").constraint = "< 3" }, []string{"cpe:busybox"}},
		{"an owner's row", func(d *data) { d.rowOf("py3-requests").constraint = "< 1" }, []string{"requests"}},
		{"an alias that suppresses", func(d *data) { d.recordOf("ALAS-2023-1").aliases = []string{"CVE-2023-50"} }, []string{"npm"}},
		{"known exploited", func(d *data) { d.exploited = nil }, []string{"zlib1g"}},
		{"a weakness", func(d *data) { d.weaknesses = map[string]string{"CVE-2023-1": "CWE-79", "CVE-2023-3": "CWE-1"} }, []string{"cpe:busybox"}},
	}
	_, dir := world().build(t)
	db := open(t, dir)
	fleet := newFleet(t, images(t))
	fleet.findings = fleet.match(t, db)
	before := digest(t, db)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			changed := world()
			c.edit(&changed)
			_, dir := changed.build(t)
			touched := fleet.touched(vuln.Changed(before, digest(t, open(t, dir))))
			if len(touched) != len(c.want) {
				t.Fatalf("%d groups are touched, want %v", len(touched), c.want)
			}
			for i, at := range touched {
				if keys := fleet.groups[at].Keys; !slices.Contains(keys, c.want[i]) {
					t.Errorf("the group of %v is touched, want that of %s", keys, c.want[i])
				}
			}
		})
	}
}

func TestGlobalChangeTouchesAll(t *testing.T) {
	t.Parallel()
	_, dir := world().build(t)
	db := open(t, dir)
	changed := world()
	changed.rowOf("nodejs").os = "debian" // Amazon is known no more
	for i := range changed.rows {
		if changed.rows[i].os == "amazon" {
			changed.rows[i].os = "debian"
		}
	}
	_, dir = changed.build(t)
	if delta := vuln.Changed(digest(t, db), digest(t, open(t, dir))); !delta.All {
		t.Error("a distribution that went away does not touch all packages")
	}
}

// TestSumsDoNotDependOnRowIDs moves all rows far apart, over many pages.
func TestSumsDoNotDependOnRowIDs(t *testing.T) {
	t.Parallel()
	_, dir := world().build(t)
	want := digest(t, open(t, dir))
	_, moved := world().build(t)
	file, err := sql.Open("sqlite", filepath.Join(moved, v6.VulnerabilityDBFileName)+"?_pragma=foreign_keys(OFF)")
	must(t, err)
	for _, change := range []struct{ table, columns string }{
		{"blobs", "id"}, {"vulnerability_handles", "id blob_id"}, {"packages", "id"}, {"cpes", "id"}, {"operating_systems", "id"},
		{"affected_package_handles", "id vulnerability_id operating_system_id package_id blob_id"},
		{"unaffected_package_handles", "id vulnerability_id operating_system_id package_id blob_id"},
		{"affected_cpe_handles", "id vulnerability_id cpe_id blob_id"}, {"unaffected_cpe_handles", "id vulnerability_id cpe_id blob_id"},
		{"package_cpes", "package_id cpe_id"}, {"known_exploited_vulnerability_handles", "id blob_id"}, {"cwe_handles", "id"},
	} {
		var set []string
		for _, column := range strings.Fields(change.columns) {
			set = append(set, fmt.Sprintf("%s = -(%[1]s * 7001)", column))
		}
		// By way of negative ids, since ids are unique at each moment.
		_, err := file.Exec("UPDATE " + change.table + " SET " + strings.Join(set, ", "))
		must(t, err)
		_, err = file.Exec("UPDATE " + change.table + " SET " + strings.ReplaceAll(strings.Join(set, ", "), " * 7001", ""))
		must(t, err)
	}
	must(t, file.Close())
	got := digest(t, open(t, moved))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sums (-before +moved):\n%s", diff)
	}
}
