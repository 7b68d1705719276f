package matcher_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// severer is the world with one severity raised.
func severer() data {
	d := world()
	d.recordOf("GHSA-bbbb-aaaa-0001").severity = "low"
	return d
}

func builds(t *testing.T, all ...data) (*matcher.Matcher, []string) {
	t.Helper()
	dirs := map[string]string{}
	var names []string
	for i, d := range all {
		_, dir := d.build(t)
		names = append(names, string(rune('a'+i)))
		dirs[names[i]] = dir
	}
	m := matcher.New(func(name string) (string, error) { return dirs[name], nil })
	t.Cleanup(func() { must(t, m.Close()) })
	return m, names
}

func severityOf(t *testing.T, found [][]vuln.GroupFinding, id string) vuln.Severity {
	t.Helper()
	for _, group := range found {
		for _, f := range group {
			if f.ID == id {
				return f.Severity
			}
		}
	}
	t.Fatalf("no finding of %s", id)
	return ""
}

func TestTwoBuildsAtOnce(t *testing.T) {
	t.Parallel()
	m, names := builds(t, world(), severer())
	groups, _, err := m.Groups(nodeImage(t))
	must(t, err)
	var workers sync.WaitGroup
	for range 4 {
		for i, want := range []vuln.Severity{vuln.Critical, vuln.Low} {
			workers.Go(func() {
				found, err := m.Match(t.Context(), names[i], groups)
				if err != nil {
					t.Error(err)
				} else if got := severityOf(t, found, "GHSA-bbbb-aaaa-0001"); got != want {
					t.Errorf("build %s: severity %s, want %s", names[i], got, want)
				}
			})
		}
	}
	workers.Wait()
}

// TestMatchOutlivesTheSwitch has two newer builds take the place of one that a
// long match is under way on.
func TestMatchOutlivesTheSwitch(t *testing.T) {
	t.Parallel()
	dirs := map[string]string{}
	for name, d := range map[string]data{"a": world(), "b": severer(), "c": severer()} {
		_, dirs[name] = d.build(t)
	}
	began := make(chan struct{})
	m := matcher.New(func(name string) (string, error) {
		if name == "a" {
			close(began)
		}
		return dirs[name], nil
	})
	t.Cleanup(func() { must(t, m.Close()) })
	groups, _, err := m.Groups(nodeImage(t))
	must(t, err)
	var long sync.WaitGroup
	long.Go(func() {
		found, err := m.Match(t.Context(), "a", slices.Repeat(groups, 50))
		if err != nil {
			t.Error(err)
			return
		}
		if got := severityOf(t, found[len(found)-len(groups):], "GHSA-bbbb-aaaa-0001"); got != vuln.Critical {
			t.Errorf("severity %s is not that of the build it was matched with", got)
		}
	})
	<-began
	for _, name := range []string{"b", "c"} {
		found, err := m.Match(t.Context(), name, groups)
		must(t, err)
		if got := severityOf(t, found, "GHSA-bbbb-aaaa-0001"); got != vuln.Low {
			t.Errorf("build %s: severity %s", name, got)
		}
	}
	long.Wait()
}

func TestLeastUsedBuildIsClosed(t *testing.T) {
	t.Parallel()
	dirs := map[string]string{}
	for _, name := range []string{"a", "b", "c"} {
		_, dirs[name] = world().build(t)
	}
	m := matcher.New(func(name string) (string, error) { return dirs[name], nil })
	t.Cleanup(func() { must(t, m.Close()) })
	groups, _, err := matcher.Groups(nodeImage(t))
	must(t, err)
	for _, name := range []string{"a", "b", "a", "c"} {
		_, err := m.Match(t.Context(), name, groups)
		must(t, err)
	}
	for name, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if got := inUse(t, dirs[name]); got != want {
			t.Errorf("build %s in use: %v, want %v", name, got, want)
		}
	}
}

// inUse checks the lock as the removal of builds does.
func inUse(t *testing.T, dir string) bool {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, matcher.InUseFile))
	must(t, err)
	defer file.Close()
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	_, dir := world().build(t)
	crashed := filepath.Join(dir, "reader-123")
	must(t, os.Mkdir(crashed, 0o755))
	db, err := matcher.Open(dir)
	must(t, err)
	groups, _, err := matcher.Groups(nodeImage(t))
	must(t, err)
	_, err = db.Match(t.Context(), groups)
	must(t, err)
	must(t, db.Close())
	left, err := filepath.Glob(filepath.Join(dir, "reader-*"))
	must(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	junk := t.TempDir()
	must(t, os.WriteFile(filepath.Join(junk, "vulnerability.db"), []byte("junk"), 0o600))
	cases := []struct {
		name, dir string
		want      error
	}{
		{"no directory", filepath.Join(t.TempDir(), "none"), errkind.NotFound},
		{"no database", t.TempDir(), errkind.NotFound},
		{"no SQLite file", junk, errkind.Invalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := matcher.New(func(string) (string, error) { return c.dir, nil })
			defer func() { must(t, m.Close()) }()
			_, err := m.Digest(t.Context(), "a")
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

// TestBrokenDataAreNoResult cuts pages out of a database that is open. A package
// whose data cannot be read must not look like one without vulnerabilities.
func TestBrokenDataAreNoResult(t *testing.T) {
	t.Parallel()
	_, dir := world().build(t)
	groups, _, err := matcher.Groups(nodeImage(t))
	must(t, err)
	file := filepath.Join(dir, "vulnerability.db")
	text, err := os.ReadFile(file)
	must(t, err)
	const head = 4096 // the schema stays
	must(t, os.WriteFile(file, append(text[:head:head], make([]byte, len(text)-head)...), 0o600))
	m := matcher.New(func(string) (string, error) { return dir, nil })
	defer func() { must(t, m.Close()) }()
	if found, err := m.Match(t.Context(), "a", groups); err == nil {
		t.Errorf("no error, but %d groups with findings", len(found))
	}
}

func TestGroupsThatFailAlone(t *testing.T) {
	t.Parallel()
	m, names := builds(t, world())
	groups, _, err := m.Groups(nodeImage(t))
	must(t, err)
	want, err := m.Match(t.Context(), names[0], groups)
	must(t, err)
	broken := vuln.Group{Fingerprint: "f00", Document: []byte(`[{"n":"x","o":[7]}]`)}
	got, err := m.Match(t.Context(), names[0], append([]vuln.Group{broken}, groups...))
	var failures vuln.GroupFailures
	if !errors.As(err, &failures) || len(failures) != 1 || failures[0].Group != 0 || !errors.Is(err, errkind.Invalid) {
		t.Fatalf("error %v, want the failure of group 0", err)
	}
	if !strings.Contains(err.Error(), "f00") {
		t.Errorf("error %q does not name the group", err)
	}
	if diff := cmp.Diff(want, got[1:]); diff != "" {
		t.Errorf("the others differ (-alone +beside a failure):\n%s", diff)
	}
}

func TestCanceledMatchIsNoResult(t *testing.T) {
	t.Parallel()
	m, names := builds(t, world())
	groups, _, err := m.Groups(nodeImage(t))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Match(ctx, names[0], groups); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was canceled", err)
	}
}

func TestManyGroupsInOneOrder(t *testing.T) {
	t.Parallel()
	m, names := builds(t, world())
	fleet := newFleet(t, images(t))
	one, err := m.Match(t.Context(), names[0], fleet.groups)
	must(t, err)
	for range 2 * runtime.GOMAXPROCS(0) {
		again, err := m.Match(t.Context(), names[0], fleet.groups)
		must(t, err)
		if diff := cmp.Diff(one, again); diff != "" {
			t.Fatalf("(-one +again):\n%s", diff)
		}
	}
}

func TestEngineNamesTheLinkedGrype(t *testing.T) {
	t.Parallel()
	modules, err := os.ReadFile("../../go.mod")
	must(t, err)
	linked := regexp.MustCompile(`anchore/grype (v\S+)`).FindSubmatch(modules)
	matcher := string(matcher.New(nil).Version())
	if want := "grype " + string(linked[1]) + " db6 "; !strings.HasPrefix(matcher, want) {
		t.Errorf("matcher %q, want it to begin with %q", matcher, want)
	}
}

// TestRelease closes what is not to be kept, so that another may remove it, and
// what is open serves on.
func TestRelease(t *testing.T) {
	t.Parallel()
	dirs := map[string]string{}
	for _, name := range []string{"a", "b"} {
		_, dirs[name] = world().build(t)
	}
	m := matcher.New(func(name string) (string, error) { return dirs[name], nil })
	t.Cleanup(func() { must(t, m.Close()) })
	groups := groupsOf(t, debianImage(t))
	for name := range dirs {
		_, err := m.Match(t.Context(), name, groups)
		must(t, err)
	}
	must(t, m.Release("b"))
	for name, want := range map[string]bool{"a": true, "b": false} {
		lock, err := os.OpenFile(filepath.Join(dirs[name], matcher.InUseFile), os.O_RDWR, 0o600)
		must(t, err)
		if free := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil; free != want {
			t.Errorf("%s is free: %t", name, free)
		}
		must(t, lock.Close())
	}
	_, err := m.Match(t.Context(), "a", groups)
	must(t, err)
}

// TestPackagesOfADocument are those of the group that it is of.
func TestPackagesOfADocument(t *testing.T) {
	t.Parallel()
	for _, group := range groupsOf(t, nodeImage(t)) {
		packages, err := matcher.New(nil).Packages(group.Document)
		must(t, err)
		if diff := cmp.Diff(group.Packages, packages); diff != "" {
			t.Errorf("packages (-want +got):\n%s", diff)
		}
	}
	if _, err := matcher.New(nil).Packages([]byte("junk")); !errors.Is(err, errkind.Invalid) {
		t.Errorf("junk: error %v, want errkind.Invalid", err)
	}
}
