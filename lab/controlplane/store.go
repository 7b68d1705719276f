package controlplane

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
)

// Compact has etcd forget all versions but the present one.
func (c *Cluster) Compact() {
	c.Helper()
	var present struct {
		Header struct{ Revision string }
	}
	c.etcdCall("/v3/kv/range", map[string]any{"key": "Lw=="}, &present)
	c.etcdCall("/v3/kv/compaction", map[string]any{"revision": present.Header.Revision, "physical": true}, &struct{}{})
}

func (c *Cluster) etcdCall(path string, body map[string]any, into any) {
	c.Helper()
	text, err := json.Marshal(body)
	c.must(err)
	response, err := c.client.Post(c.store+path, "application/json", bytes.NewReader(text))
	c.must(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		c.Fatalf("etcd, %s: %s", path, response.Status)
	}
	c.must(json.NewDecoder(response.Body).Decode(into))
}

// Backup stops everything, copies what etcd has, and starts everything again.
func (c *Cluster) Backup() {
	c.Helper()
	c.Stop()
	c.must(os.CopyFS(c.backup(), os.DirFS(c.data())))
	c.Run()
}

// Restore stops everything and puts the backup in place of what etcd has: objects are those
// of the backup, and versions are counted from there. Run starts it.
func (c *Cluster) Restore() {
	c.Helper()
	c.Stop()
	c.must(os.RemoveAll(c.data()))
	c.must(os.CopyFS(c.data(), os.DirFS(c.backup())))
}

func (c *Cluster) backup() string { return filepath.Join(c.folder, "backup") }
