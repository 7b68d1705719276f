package lab

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// GoModule is a dependency of a Go program.
type GoModule struct {
	Path    string
	Version string // with v, as "v0.7.0"
	// Calls are functions of the module's root package that the program calls, so
	// that they are linked. Empty means one called Use.
	Calls []string
}

// GoBinary is a program for linux/amd64 that depends on these modules. The go
// command, which must be on the path, compiles it, so that it has the build
// information and the symbols that scanners read. The modules are stubs that the
// program vendors: nothing is downloaded, and any version can be claimed. The
// standard library is that of the go command.
func GoBinary(target string, modules ...GoModule) Part {
	return func(r *recipe) error {
		program, err := compileGo(path.Base(target), modules)
		if err != nil {
			return fmt.Errorf("compile %s: %w", target, err)
		}
		return r.add(copyTo(target), Executable(target, program))
	}
}

func compileGo(name string, modules []GoModule) ([]byte, error) {
	compiler, err := exec.LookPath("go")
	if err != nil {
		return nil, errors.New("the go command is not on the path: install Go, see https://go.dev/dl")
	}
	dir, err := os.MkdirTemp("", "lab-go-")
	if err != nil {
		return nil, fmt.Errorf("make build directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a left-over harms nobody
	if err := writeProgram(dir, name, modules); err != nil {
		return nil, err
	}
	// The flags make the program independent of the directory and the machine. The
	// symbol table stays: without it syft reports a problem with the program.
	build := exec.Command(compiler, "build", "-mod=vendor", "-trimpath", "-buildvcs=false", "-ldflags=-w -buildid=", "-o", "program", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w: %s", err, bytes.TrimSpace(output))
	}
	return os.ReadFile(filepath.Join(dir, "program"))
}

// writeProgram lays out a main package and its vendored modules. See
// https://go.dev/ref/mod#vendoring.
func writeProgram(dir, name string, modules []GoModule) error {
	sorted := slices.SortedFunc(slices.Values(modules), func(a, b GoModule) int { return cmp.Compare(a.Path, b.Path) })
	files := map[string]string{"main.go": mainSource(sorted)}
	var required, vendored strings.Builder
	for _, m := range sorted {
		fmt.Fprintf(&required, "require %s %s\n", m.Path, m.Version)
		fmt.Fprintf(&vendored, "# %s %s\n## explicit\n%[1]s\n", m.Path, m.Version)
		files[path.Join("vendor", m.Path, "stub.go")] = m.source()
	}
	files["go.mod"] = fmt.Sprintf("module example.com/%s\n\ngo 1.21\n\n%s", name, required.String())
	files["vendor/modules.txt"] = vendored.String()
	for file, content := range files {
		path := filepath.Join(dir, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			return fmt.Errorf("write source: %w", err)
		}
	}
	return nil
}

func mainSource(modules []GoModule) string {
	var imports, calls strings.Builder
	for i, m := range modules {
		fmt.Fprintf(&imports, "import m%d %q\n", i, m.Path)
		for _, function := range m.functions() {
			fmt.Fprintf(&calls, "\tm%d.%s()\n", i, function)
		}
	}
	return "package main\n\n" + imports.String() + "\nfunc main() {\n" + calls.String() + "}\n"
}

// source keeps every function out of line, so that each leaves a symbol.
func (m GoModule) source() string {
	source := "package stub\n\nvar count int\n"
	for _, function := range m.functions() {
		source += fmt.Sprintf("\n//go:noinline\nfunc %s() { count++ }\n", function)
	}
	return source
}

func (m GoModule) functions() []string {
	if len(m.Calls) == 0 {
		return []string{"Use"}
	}
	return m.Calls
}
