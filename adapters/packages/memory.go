package packages

import (
	"container/list"
	"strings"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/domain/policy"
)

// entry is what a registry said of one package, in little space.
type entry struct {
	latest   string
	versions string // one a line; "" if the package does not exist
	etag     string
	at       time.Time // when the registry said it last
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

// memory keeps the entries that were used last, up to a number of bytes. It is
// safe for concurrent use.
type memory struct {
	mu      sync.Mutex
	limit   int
	size    int
	order   *list.List // of remembered, the last used in front
	entries map[string]*list.Element
}

type remembered struct {
	name  string
	entry entry
}

func newMemory(limit int) *memory {
	return &memory{limit: limit, order: list.New(), entries: map[string]*list.Element{}}
}

func (m *memory) get(name string) (entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	element, found := m.entries[name]
	if !found {
		return entry{}, false
	}
	m.order.MoveToFront(element)
	return element.Value.(remembered).entry, true
}

func (m *memory) put(name string, e entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if element, found := m.entries[name]; found {
		m.drop(element)
	}
	m.entries[name] = m.order.PushFront(remembered{name, e})
	m.size += e.size(name)
	for m.size > m.limit {
		m.drop(m.order.Back())
	}
}

func (m *memory) drop(element *list.Element) {
	old := m.order.Remove(element).(remembered)
	delete(m.entries, old.name)
	m.size -= old.entry.size(old.name)
}
