package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// folder holds one part named "part" with an exit status.
func folder(t *testing.T, status, events string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "part.exit"), status)
	if events != "" {
		write(t, filepath.Join(dir, "part.json"), events)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOutcomeOfAPart(t *testing.T) {
	t.Parallel()
	const began = `{"Action":"start","Package":"p"}` + "\n"
	for _, test := range []struct{ name, status, events, want string }{
		{"no tests, no failure", "0\n", "", "0 passed, 0 failed, 0 skipped\n"},
		{"does not start", "127\n", "", "\nFailures:\n  part: exit status 127\n\n0 passed, 1 failed, 0 skipped\n"},
		{"tests that pass and tests that fail, killed in a line", "1\n",
			began + `{"Action":"run","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n" +
				`{"Action":"run","Package":"p","Test":"TestB"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestB"}` + "\n" + `{"Action":"fa`,
			"\nFailures:\n  part: p.TestB\n\n1 passed, 1 failed, 0 skipped\n"},
		{"a test that never ends", "1\n",
			began + `{"Action":"run","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p"}` + "\n",
			"\nFailures:\n  part: p.TestA (did not end)\n\n0 passed, 1 failed, 0 skipped\n"},
		{"a package that never ends", "1\n", began,
			"\nFailures:\n  part: p (the package as a whole)\n\n0 passed, 1 failed, 0 skipped\n"},
		{"a long line", "0\n", `{"Action":"output","Package":"p","Output":"` + strings.Repeat("x", 1<<20) + `"}` + "\n" +
			`{"Action":"skip","Package":"p","Test":"TestA"}` + "\n", "0 passed, 0 failed, 1 skipped\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := read(folder(t, test.status, test.events))
			if err != nil || got.String() != test.want {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// What cannot be read is an error, not a run without failures.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), folder(t, "", ""), folder(t, "ended well", "")} {
		if got, err := read(dir); err == nil {
			t.Errorf("got %q without an error", got)
		}
	}
}

// The events are those that go itself writes.
func TestEventsOfGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module "+strings.TrimSuffix(module, "/")+"\n\ngo 1.24\n")
	for name, body := range map[string]string{
		"tests":   `func TestA(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Error("bad") }) }; func TestB(t *testing.T) { t.Skip() }; func TestC(*testing.T) {}`,
		"main":    `func TestMain(*testing.M) { panic("broken") }`,
		"panics":  `func TestD(*testing.T) { panic("broken") }`,
		"broken":  `func TestE(*testing.T) { return 1 }`,
		"passing": `func TestF(*testing.T) {}`,
	} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "x_test.go"), "package x\n\nimport \"testing\"\n\n"+body+"\n")
	}
	command := exec.Command("go", "test", "-json", "./...")
	command.Dir = dir
	events, err := command.Output()
	if err == nil {
		t.Fatal("the tests pass")
	}
	got, err := read(folder(t, "1", string(events)))
	want := `
Failures:
  part: broken (the package as a whole)
  part: main (the package as a whole)
  part: panics.TestD
  part: tests.TestA
  part: tests.TestA/sub

2 passed, 5 failed, 1 skipped
`
	if err != nil || got.String() != want {
		t.Errorf("got %v, %v; want %s", got, err, want)
	}
}
