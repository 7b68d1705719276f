package packages

import (
	"math"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/tagwatch/tagwatch/domain/policy"
)

// entry is a registry's answer about one package, in a compact form.
type entry struct {
	latest   string
	versions string // one a line; "" if the package does not exist
	etag     string
	at       time.Time // of the registry's last answer
}

func newEntry(published policy.Published, etag string, at time.Time) entry {
	return entry{latest: published.Latest, versions: strings.Join(published.Versions, "\n"), etag: etag, at: at}
}

func (e entry) published() policy.Published {
	if e.versions == "" {
		return policy.Published{}
	}
	return policy.Published{Latest: e.latest, Versions: strings.Split(e.versions, "\n")}
}

// overhead is about what an entry takes beside its texts, in bytes.
const overhead = 256

func (e entry) size(name string) int {
	return overhead + len(name) + len(e.latest) + len(e.versions) + len(e.etag)
}

// memory keeps the most recently used entries, up to a number of bytes. It is safe
// for concurrent use.
type memory struct {
	mu          sync.Mutex
	limit, size int
	entries     *simplelru.LRU[string, entry]
}

func newMemory(limit int) *memory {
	m := &memory{limit: limit}
	m.entries, _ = simplelru.NewLRU(math.MaxInt, func(name string, e entry) { m.size -= e.size(name) }) // fails for no positive size
	return m
}

func (m *memory) get(name string) (entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries.Get(name)
}

func (m *memory) put(name string, e entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.Remove(name)
	m.entries.Add(name, e)
	for m.size += e.size(name); m.size > m.limit; {
		m.entries.RemoveOldest()
	}
}
