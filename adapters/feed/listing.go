package feed

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/anchore/grype/grype/db/v6/distribution"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// A listing is some hundred bytes.
const (
	maxListing     = 1 << 20
	listingTimeout = time.Minute
)

// wantedListing says what to do about an answer that is not a listing.
const wantedListing = "the feed URL (--feed-url) has to be that of a listing such as grype's v6/latest.json, and proxies or logins in between have to pass it on unchanged"

// Latest reads the publisher's listing of the newest database. A listing without
// checksum is refused, because the database could not be verified.
func (f *Feed) Latest(ctx context.Context) (vuln.Listing, error) {
	response, err := f.get(ctx, f.listing, listingTimeout)
	if err != nil {
		return vuln.Listing{}, fmt.Errorf("read feed listing: %w", err)
	}
	text, err := io.ReadAll(outbound.Bounded(response.Body, maxListing))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return vuln.Listing{}, fmt.Errorf("read feed listing %s: %w", shown(f.listing), err)
	}
	listing, err := f.parse(text)
	if err != nil {
		return vuln.Listing{}, fmt.Errorf("feed listing %s: %w; %s; %s", shown(f.listing), err, f.received(f.listing, response, text[:min(len(text), headSize)]), wantedListing)
	}
	return listing, nil
}

func (f *Feed) parse(text []byte) (vuln.Listing, error) {
	text, err := plain(text, maxListing)
	if err != nil {
		return vuln.Listing{}, err
	}
	var document distribution.LatestDocument
	if err := json.Unmarshal(text, &document); err != nil {
		return vuln.Listing{}, fmt.Errorf("%w: it is not a listing in JSON: %w", errkind.Invalid, err)
	}
	switch {
	case document.Path == "":
		return vuln.Listing{}, fmt.Errorf("%w: it does not name a database", errkind.Invalid)
	case document.Checksum == "":
		return vuln.Listing{}, fmt.Errorf("%w: it has no checksum, so the database cannot be verified", errkind.Invalid)
	case document.SchemaVersion.Model != v6.ModelVersion:
		return vuln.Listing{}, fmt.Errorf("%w: it is for schema %s, this version needs %d", errkind.Invalid, schema(document.SchemaVersion), v6.ModelVersion)
	case document.Built.IsZero():
		return vuln.Listing{}, fmt.Errorf("%w: it has no build time", errkind.Invalid)
	}
	if _, err := name(document.Checksum); err != nil {
		return vuln.Listing{}, err
	}
	return vuln.Listing{
		Checksum: document.Checksum,
		URL:      f.archiveURL(document.Path),
		Built:    document.Built.UTC().Round(time.Second),
		Schema:   schema(document.SchemaVersion),
		Status:   cmp.Or(vuln.Lifecycle(strings.ToLower(strings.TrimSpace(string(document.Status)))), vuln.LifecycleUnstated),
	}, nil
}

// archiveURL resolves a path beside the listing. Credentials and query stay out:
// the result is stored and shown.
func (f *Feed) archiveURL(archive string) string {
	u := *f.listing
	u.Path = path.Join(path.Dir(u.Path), path.Clean("/"+archive))
	u.RawPath, u.RawQuery, u.User = "", "", nil
	return u.String()
}

// credentialed is the inverse: it adds what the configured address has, for the
// same host only.
func (f *Feed) credentialed(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("archive address %q: %w", text, errkind.Invalid)
	}
	if u.Host == f.listing.Host && u.Scheme == f.listing.Scheme {
		u.User, u.RawQuery = f.listing.User, f.listing.RawQuery
	}
	return u, nil
}

// schema writes a version without grype's "v".
func schema(version fmt.Stringer) string { return strings.TrimPrefix(version.String(), "v") }
