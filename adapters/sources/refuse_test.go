package sources_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/sources"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// What cannot be read is an error that names the file, never a list with less in it.
func TestRefuses(t *testing.T) {
	t.Parallel()
	compose := func(files map[string]string) func(t *testing.T) error {
		return func(t *testing.T) error {
			folder := t.TempDir()
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := sources.Compose(context.Background(), filepath.Join(folder, "compose.yml"), sources.Project{})
			return err
		}
	}
	dockerfile := func(text string) func(t *testing.T) error {
		return func(*testing.T) error {
			_, err := sources.Dockerfile([]byte(text), "Dockerfile", sources.Build{})
			return err
		}
	}
	list := func(name, text string) func(t *testing.T) error {
		return func(*testing.T) error {
			_, err := sources.List([]byte(text), name, image.Platform{})
			return err
		}
	}
	for name, test := range map[string]struct {
		read func(t *testing.T) error
		kind error
		says string
	}{
		"no Compose file":               {compose(nil), errkind.NotFound, "compose.yml"},
		"no YAML":                       {compose(map[string]string{"compose.yml": "services: ["}), errkind.Invalid, "compose.yml"},
		"services that are none":        {compose(map[string]string{"compose.yml": "services: [a]"}), errkind.Invalid, "services"},
		"a service that is none":        {compose(map[string]string{"compose.yml": "services: {a: 1}"}), errkind.Invalid, "a"},
		"an include that is missing":    {compose(map[string]string{"compose.yml": "include: [other.yml]\nservices: {}"}), errkind.Invalid, "other.yml"},
		"an include from elsewhere":     {compose(map[string]string{"compose.yml": "include: ['oci://registry.example.org/app']"}), errkind.Invalid, "oci://registry.example.org/app"},
		"an include of itself":          {compose(map[string]string{"compose.yml": "include: [compose.yml]"}), errkind.Invalid, "cycle"},
		"a variable in an include":      {compose(map[string]string{"compose.yml": "include: [{path: a.yml, env_file: '${NAME:-a.env}'}]", "a.yml": "services: {}", "a.env": ""}), errkind.Invalid, "variable NAME"},
		"an include in an include":      {compose(map[string]string{"compose.yml": "include: [a.yml]", "a.yml": "include: [{path: b.yml, env_file: a.env}]", "b.yml": "services: {}", "a.env": ""}), errkind.Invalid, "absolute"},
		"extends of nothing":            {compose(map[string]string{"compose.yml": "services: {a: {extends: b}}"}), errkind.Invalid, "b"},
		"a Dockerfile that is empty":    {dockerfile("# nothing\n"), errkind.Invalid, "no FROM"},
		"a here-document without end":   {dockerfile("FROM a\nRUN <<EOF\nFROM b\n"), errkind.Invalid, "line 2"},
		"not a list":                    {list("a.yaml", "pictures: [nginx]"), errkind.Invalid, "a.yaml"},
		"a list that is not closed":     {list("a.json", `["nginx"`), errkind.Invalid, "a.json"},
		"a page in place of a list":     {list("a.json", `<html>`), errkind.Invalid, "a.json"},
		"a list of YAML that is a text": {list("a.yml", `nginx`), errkind.Invalid, "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.read(t)
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %v that names %s", err, test.kind, test.says)
			}
		})
	}
}

// TestBoundedWork: small texts that stand for very much are refused, before they take the
// time and the memory of the worker.
func TestBoundedWork(t *testing.T) {
	t.Parallel()
	doubling := "ARG A0=0123456789\n"
	for i := 1; i < 40; i++ {
		doubling += fmt.Sprintf("ARG A%d=$A%d$A%d\n", i, i-1, i-1)
	}
	nested := strings.Repeat("${A:-", 200_000) + strings.Repeat("}", 200_000)
	dotenv := "A0=0123456789\n"
	for i := 1; i < 40; i++ {
		dotenv += fmt.Sprintf("A%d=$A%d$A%d\n", i, i-1, i-1)
	}
	for name, read := range map[string]func() error{
		"arguments": func() error {
			_, err := sources.Dockerfile([]byte(doubling+"FROM a:$A39\n"), "Dockerfile", sources.Build{})
			return err
		},
		"a variable in a variable": func() error {
			_, err := sources.Dockerfile([]byte("FROM a:"+nested+"\n"), "Dockerfile", sources.Build{})
			return err
		},
		"the variables of a project": func() error {
			root := folder(t, map[string]string{"compose.yml": "services: {a: {image: 'a:$A39'}}", ".env": dotenv})
			_, err := sources.Compose(t.Context(), filepath.Join(root, "compose.yml"), sources.Project{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := read(); !errors.Is(err, errkind.Limit) || len(err.Error()) > 1000 {
				t.Errorf("error %v", err)
			}
		})
	}
}
