package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/operations"
)

// mounted is a folder as Kubernetes mounts a ConfigMap: its files are links into a folder
// of their own, to which ..data points, and which is replaced as a whole.
type mounted struct {
	t      *testing.T
	folder string
	number int
}

func (m *mounted) write(files map[string]string) {
	m.t.Helper()
	must := func(err error) {
		m.t.Helper()
		if err != nil {
			m.t.Fatal(err)
		}
	}
	m.number++
	data := "..2026_" + string(rune('0'+m.number))
	must(os.Mkdir(filepath.Join(m.folder, data), 0o755))
	for name, content := range files {
		must(os.WriteFile(filepath.Join(m.folder, data, name), []byte(content), 0o600))
		link := filepath.Join(m.folder, name)
		if _, err := os.Lstat(link); err != nil {
			must(os.Symlink(filepath.Join("..data", name), link))
		}
	}
	must(os.Symlink(data, filepath.Join(m.folder, "..new")))
	must(os.Rename(filepath.Join(m.folder, "..new"), filepath.Join(m.folder, "..data")))
}

func newConfiguration(t *testing.T, prune bool, owner string) (configuration, *store.Store, *mounted) {
	kept := storetest.Open(t)
	m := &mounted{t: t, folder: t.TempDir()}
	system := func() operations.System {
		return operations.System{Scope: token.Admin, Now: time.Now(), Store: func(context.Context) (*store.Store, error) { return kept, nil },
			Ask: func(context.Context, string, time.Duration, func(context.Context, client.Client) error) error {
				return nil
			}}
	}
	return configuration{config.Worker{ConfigDir: m.folder, ConfigPrune: prune, ConfigOwner: owner}, system}, kept, m
}

const (
	opsDocument = "owner: web\nendpoints: [{name: ops, url: 'https://ops.example.com'}]\npolicies: [{file: strict.json}]\n"
	strict      = `{"id": "strict", "name": "strict", "version": "1_0", "policies": [], "whitelists": [], "mappings": []}`
)

// TestConfiguration applies a mounted folder, follows its bundles too, deletes what it no
// longer lists, and changes nothing for one that is wrong.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	c, kept, m := newConfiguration(t, true, "web")
	apply := func(files map[string]string, want error, endpoints int) {
		t.Helper()
		before := c.Version()
		m.write(files)
		if c.Version() == before {
			t.Error("the version is the same")
		}
		if _, err := c.Apply(t.Context()); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
		stored, err := kept.Endpoints(t.Context())
		if err != nil || len(stored) != endpoints {
			t.Errorf("endpoints %v, %v, want %d", stored, err, endpoints)
		}
	}
	if _, err := c.Apply(t.Context()); !errors.Is(err, errkind.NotFound) {
		t.Errorf("an empty folder: %v", err)
	}
	apply(map[string]string{"a.yaml": opsDocument, "strict.json": strict}, nil, 1)
	apply(map[string]string{"a.yaml": opsDocument, "strict.json": strict + " "}, nil, 1)
	apply(map[string]string{"a.yaml": "owner: web\n", "strict.json": "{"}, nil, 0)
	apply(map[string]string{"a.yaml": opsDocument, "strict.json": "{"}, errkind.Invalid, 0)
	apply(map[string]string{"a.yaml": "owner: ops\n", "strict.json": "{"}, errkind.Unauthorized, 0)
	if changes, err := c.Apply(t.Context()); changes > 0 || err == nil {
		t.Errorf("%d changes, %v", changes, err)
	}
}
