package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// module is one that a program is linked from.
type module struct {
	path, version, folder string
	programs              []string // in order
	licenses              []string // identifiers of SPDX, in order
	texts                 []string // contents of its files about licenses
}

// programs of a release, with the folder of their module and their package.
var programs = []struct{ name, module, of string }{
	{"tagwatch", ".", "./starter"}, {"tagwatch-worker", ".", "./worker"}, {"tagwatch-temporal", "tools", "./temporal"},
	{"tagwatch-demo", ".", "./demo"},
}

var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}

// linked are the modules of all programs on all platforms, by path.
func linked(ctx context.Context, root string) ([]*module, error) {
	found := map[string]*module{}
	for _, program := range programs {
		for _, platform := range platforms {
			system, architecture, _ := strings.Cut(platform, "/")
			command := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", program.of)
			command.Dir = filepath.Join(root, program.module)
			command.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+architecture, "CGO_ENABLED=0")
			var problem bytes.Buffer
			command.Stderr = &problem
			out, err := command.Output()
			if err != nil {
				return nil, fmt.Errorf("list the modules of %s: %w: %s", program.name, err, problem.Bytes())
			}
			for line := range strings.Lines(string(out)) {
				note(found, strings.Split(strings.TrimSpace(line), "\t"), program.name)
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *module) int { return strings.Compare(a.path+a.version, b.path+b.version) }), nil
}

// note takes a line of the go command, which is empty for a package of the standard library.
func note(found map[string]*module, fields []string, program string) {
	if len(fields) != 3 {
		return
	}
	key := fields[0] + "@" + fields[1]
	if found[key] == nil {
		found[key] = &module{path: fields[0], version: fields[1], folder: fields[2]}
	}
	if m := found[key]; !slices.Contains(m.programs, program) {
		m.programs = append(m.programs, program)
	}
}
