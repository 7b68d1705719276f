// Package feed keeps builds of vulnerability data: it finds the newest database of
// a publisher of grype databases, fetches, verifies and unpacks it, and describes
// its content.
//
//	root/
//	  lock                    held while builds come or go
//	  <sha256 of archive>/    one build; appears whole, never changes
//	    build.json            its description
//	    6/vulnerability.db    grype's database, with its indexes
//	    6/import.json         grype's own digest of the file
//	    6/in-use              shared lock of processes that have it open
//	  partial-<sha256>/       being made, or left by a crash
//
// grype's command line can use a build's directory as its cache directory:
// GRYPE_DB_CACHE_DIR=root/<sha256> grype sbom:file.
package feed

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Options configure a Feed. Their zero values stand for the defaults.
type Options struct {
	// URL is that of the publisher's listing, or the base above v6/latest.json.
	URL string
	// CAFile contains PEM certificates to trust in addition to the system's.
	CAFile string
	// Stall is how long a connection may be silent.
	Stall time.Duration
	// Timeout bounds the fetching of one archive.
	Timeout time.Duration
	// MaxArchive and MaxDatabase bound sizes, in bytes.
	MaxArchive, MaxDatabase int64
}

// Defaults of Options.
const (
	defaultURL         = "https://grype.anchore.io/databases"
	defaultStall       = 30 * time.Second
	defaultTimeout     = 30 * time.Minute
	defaultMaxArchive  = 2 << 30
	defaultMaxDatabase = 8 << 30
)

func (o Options) withDefaults() Options {
	o.URL = cmp.Or(o.URL, defaultURL)
	o.Stall = cmp.Or(o.Stall, defaultStall)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.MaxArchive = cmp.Or(o.MaxArchive, defaultMaxArchive)
	o.MaxDatabase = cmp.Or(o.MaxDatabase, defaultMaxDatabase)
	return o
}

// Feed is a directory of builds and the publisher they come from. Several
// processes may share the directory.
type Feed struct {
	root    string
	options Options
	listing *url.URL
	client  *http.Client

	verified sync.Map // checksums of builds whose files this process has checked
}

// Open makes the directory if it is missing.
func Open(root string, options Options) (*Feed, error) {
	options = options.withDefaults()
	listing, err := listingURL(options.URL)
	if err != nil {
		return nil, err
	}
	client, err := newClient(options, listing)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("make feed directory: %w", err)
	}
	return &Feed{root: root, options: options, listing: listing, client: client}, nil
}

// listingURL accepts what grype accepts: the listing, or the base of its
// directory.
func listingURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		// The text may contain a password, so it is not repeated.
		return nil, fmt.Errorf("feed URL: %w: expected the http or https address of a listing or of its base, such as %s", errkind.Invalid, defaultURL)
	}
	if !strings.HasSuffix(u.Path, ".json") {
		u = u.JoinPath("v"+strconv.Itoa(v6.ModelVersion), "latest.json")
	}
	return u, nil
}

var checksumPattern = regexp.MustCompile(`^sha256:([0-9a-f]{64})$`)

// name is the directory name of a build.
func name(checksum string) (string, error) {
	found := checksumPattern.FindStringSubmatch(checksum)
	if found == nil {
		return "", fmt.Errorf("checksum %q: %w: expected sha256: and 64 hexadecimal digits", checksum, errkind.Invalid)
	}
	return found[1], nil
}

// Path returns the directory with the database of a build that is here; the
// error is errkind.NotFound if it is not.
func (f *Feed) Path(checksum string) (string, error) {
	dir, err := f.dir(checksum)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, modelDir)
	for _, part := range []string{filepath.Join(path, v6.VulnerabilityDBFileName), filepath.Join(path, v6.ImportMetadataFileName), filepath.Join(dir, descriptionFile)} {
		info, err := os.Stat(part)
		if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
			err = errkind.NotFound // also for a build that has lost a part
		}
		if err != nil {
			return "", fmt.Errorf("build %s: %w", checksum, err)
		}
	}
	return path, nil
}

// Has reports whether a build is here.
func (f *Feed) Has(checksum string) bool {
	_, err := f.Path(checksum)
	return err == nil
}

func (f *Feed) dir(checksum string) (string, error) {
	base, err := name(checksum)
	if err != nil {
		return "", err
	}
	return filepath.Join(f.root, base), nil
}

// modelDir is the directory in which grype expects databases of its schema.
var modelDir = strconv.Itoa(v6.ModelVersion)
