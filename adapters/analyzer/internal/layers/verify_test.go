package layers

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestEditedLayer: a stored layer that was edited, though its size is the same and
// though its facts were edited with it, is fetched again and never used, in the same
// process and in the next.
func TestEditedLayer(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]struct{ facts, restart bool }{
		"the archive":                               {},
		"the archive and its facts":                 {facts: true},
		"the archive before a start":                {restart: true},
		"the archive and its facts, before a start": {facts: true, restart: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Bounds{Bytes: 1 << 20, Age: time.Hour})
			content := archive(t, map[string]int{"etc/passwd": 100})
			_, known, _, err := b.take(t, content, serve(content), generous)
			if err != nil {
				t.Fatal(err)
			}
			edited := bytes.Clone(content)
			edited[600]++
			stored := b.path(layerOf(content).Digest)
			if err := os.WriteFile(filepath.Join(stored, archiveName), edited, 0o600); err != nil {
				t.Fatal(err)
			}
			if edit.facts {
				text := fmt.Sprintf(`{"DiffID": "sha256:%x", "Size": %d, "Entries": 1}`, sha256.Sum256(edited), len(edited))
				if err := os.WriteFile(filepath.Join(stored, factsName), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if edit.restart {
				b.known = newKnown()
			}
			path, again, fetched, err := b.take(t, content, serve(content), generous)
			if err != nil || !fetched || again != known {
				t.Fatalf("fetched %t, %+v, %v; want it fetched again as %+v", fetched, again, err, known)
			}
			if used, err := os.ReadFile(path); err != nil || !bytes.Equal(used, content) {
				t.Errorf("the edited archive is used (%v)", err)
			}
			if _, _, fetched, err := b.take(t, content, refuse, generous); err != nil || fetched {
				t.Errorf("afterwards: fetched %t, %v", fetched, err)
			}
		})
	}
}
