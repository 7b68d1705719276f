package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/anchore/grype/grype/db/v6/distribution"

	"github.com/tagwatch/tagwatch/lab"
)

// ListingPath is the path of the listing of the newest database.
const ListingPath = "/v6/latest.json"

// Feed publishes databases over HTTP. Before the first Publish it answers 404.
// Archives stay available after a newer one is published.
type Feed struct {
	*lab.Server
	*lab.Faults

	mu        sync.Mutex
	listing   []byte
	archives  map[string][]byte // by file name
	requested []string          // paths, in order
}

// New starts a feed.
func New() (*Feed, error) {
	f := &Feed{Faults: &lab.Faults{}, archives: map[string][]byte{}}
	server, err := lab.Serve(f.record(f.Wrap(http.HandlerFunc(f.serve))))
	if err != nil {
		return nil, fmt.Errorf("start feed: %w", err)
	}
	f.Server = server
	return f, nil
}

// ListingURL is the address to configure a client with.
func (f *Feed) ListingURL() string { return f.URL() + ListingPath }

// Publish makes a database the newest one, with the lies given.
func (f *Feed) Publish(database Database, lies ...Lie) error {
	p, err := publicationOf(database)
	if err != nil {
		return err
	}
	for _, lie := range lies {
		if err := lie(&p); err != nil {
			return err
		}
	}
	listing, err := json.MarshalIndent(p.listing, "", " ")
	if err != nil {
		return fmt.Errorf("write listing: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listing, f.archives[p.listing.Path] = listing, p.archive
	return nil
}

// PublishBuild builds a database in a directory and publishes it.
func (f *Feed) PublishBuild(dir string, vulnerabilities ...Vulnerability) (Database, error) {
	database, err := Build(dir, vulnerabilities...)
	if err != nil {
		return Database{}, err
	}
	return database, f.Publish(database)
}

// Requests returns the paths of the requests, in order of arrival.
func (f *Feed) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.requested...)
}

func (f *Feed) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.requested = append(f.requested, r.URL.Path)
		f.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (f *Feed) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	content := f.archives[strings.TrimPrefix(r.URL.Path, "/v6/")]
	if r.URL.Path == ListingPath {
		content = f.listing
	}
	f.mu.Unlock()
	if content == nil {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, filepath.Base(r.URL.Path), time.Time{}, bytes.NewReader(content))
}

// publication is what one Publish puts on the server.
type publication struct {
	listing distribution.LatestDocument
	archive []byte
}

func publicationOf(database Database) (publication, error) {
	content, err := os.ReadFile(database.Archive)
	if err != nil {
		return publication{}, fmt.Errorf("publish database: %w", err)
	}
	entry, err := distribution.NewArchive(database.Archive, database.Built, v6.ModelVersion, v6.Revision, v6.Addition)
	if err != nil {
		return publication{}, fmt.Errorf("publish database: %w", err)
	}
	return publication{listing: *distribution.NewLatestDocument(*entry), archive: content}, nil
}
