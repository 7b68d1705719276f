package sources

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/ipclass"
	"github.com/tagwatch/tagwatch/domain/source"
)

// Options are those of a Reader.
type Options struct {
	// Paths are the folders and files of the worker that sources may read. Without any,
	// they read none: who adds a source is not always who runs the worker.
	Paths []string
	// CAFile has certificate authorities to trust, in addition to the system's.
	CAFile    string
	UserAgent string
}

// Reader reads sources. It is safe for concurrent use.
type Reader struct {
	options Options
	roots   []string
	client  *http.Client
}

const (
	connectTimeout = 10 * time.Second
	readTimeout    = time.Minute
	maxRedirects   = 3
)

// New makes a Reader.
func New(options Options) (*Reader, error) {
	transport, err := outbound.Transport(options.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities of sources: %w", err)
	}
	dialer := outbound.Checked(net.Dialer{Timeout: connectTimeout}, allowed)
	transport.DialContext = dialer.DialContext
	r := &Reader{options: options, client: &http.Client{Transport: transport, Timeout: readTimeout, CheckRedirect: checkRedirect}}
	for _, path := range options.Paths {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		r.roots = append(r.roots, filepath.Clean(path))
	}
	return r, nil
}

// allowed refuses addresses that no server has, such as those of clouds' metadata. A
// list may be at a private address: that of a company's own Git server.
func allowed(address netip.Addr) error {
	if place, purpose := ipclass.Find(address); place == ipclass.Forbidden {
		return fmt.Errorf("the address %s is refused: no server of lists can have it (%s)", ipclass.Plain(address), purpose)
	}
	return nil
}

// checkRedirect follows redirects within the server only.
func checkRedirect(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	if len(before) > maxRedirects || next.URL.Hostname() != first.Hostname() || first.Scheme == "https" && next.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	return nil
}

// Read finds what a source names. Version is that of the reading before.
func (r *Reader) Read(ctx context.Context, s source.Source, version string) (source.Reading, error) {
	switch s.Kind {
	case source.Docker:
		return r.engine(ctx, s)
	case source.Kubernetes:
		return r.kubernetes(ctx, s)
	}
	if len(s.Paths) == 1 && strings.Contains(s.Paths[0], "://") {
		return r.fetch(ctx, s, version)
	}
	var reading source.Reading
	for _, path := range s.Paths {
		found, err := r.read(ctx, s, path)
		if err != nil {
			return source.Reading{}, err
		}
		reading.Found = append(reading.Found, found...)
	}
	return reading, ctx.Err()
}

func (r *Reader) read(ctx context.Context, s source.Source, path string) (all []source.Found, err error) {
	if err := r.mayRead(path); err != nil {
		return nil, err
	}
	wanted := map[source.Kind]func(string, []string) []string{source.Compose: composeFiles, source.Dockerfile: dockerfiles, source.File: lists}[s.Kind]
	files, err := filesOf(path, wanted)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		found, err := r.readFile(ctx, s, file)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return all, nil
}

func (r *Reader) readFile(ctx context.Context, s source.Source, file string) ([]source.Found, error) {
	if s.Kind == source.Compose {
		return Compose(ctx, file, Project{Variables: s.Variables, Profiles: s.Profiles, Platform: s.Platform, MayRead: r.mayRead, Read: r.content})
	}
	text, err := r.content(file)
	if err != nil {
		return nil, err
	}
	if s.Kind == source.Dockerfile {
		return Dockerfile(text, file, Build{Args: s.Variables, Platform: s.Platform})
	}
	return List(text, file, s.Platform)
}

// content reads a file, if sources may read it. A link may lead anywhere.
func (r *Reader) content(path string) ([]byte, error) {
	root, err := r.rootOf(path)
	if err != nil {
		return nil, err
	}
	return readBelow(root, path)
}

// mayRead refuses files outside of the paths that sources may read.
func (r *Reader) mayRead(path string) error {
	_, err := r.rootOf(path)
	return err
}

// rootOf is the path that sources may read and that a file is below.
func (r *Reader) rootOf(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = filepath.Clean(path) // what does not exist is said when it is read
	}
	inside := slices.IndexFunc(r.roots, func(root string) bool {
		return real == root || strings.HasPrefix(real, strings.TrimSuffix(root, string(filepath.Separator))+string(filepath.Separator))
	})
	switch {
	case inside >= 0:
		return r.roots[inside], nil
	case len(r.roots) == 0:
		return "", fmt.Errorf("%s: sources may read no file of the worker; allow it with --source-path (TAGWATCH_SOURCE_PATHS) of the worker: %w", path, errkind.Unauthorized)
	}
	return "", fmt.Errorf("%s is not below a path that sources may read, which are %s (--source-path of the worker): %w", path, strings.Join(r.options.Paths, ", "), errkind.Unauthorized)
}

// fetch reads a list from a web server, unless that still has the version that is known.
func (r *Reader) fetch(ctx context.Context, s source.Source, version string) (source.Reading, error) {
	address, err := url.Parse(s.Paths[0])
	if err != nil {
		return source.Reading{}, fmt.Errorf("read the address of the source: %w", errkind.Invalid)
	}
	shown := s.Disclosed().Paths[0] // everybody sees a problem
	local := false
	for _, spelled := range ipclass.Spelled(address.Hostname()) { // behind a proxy, nothing else is dialed here
		if err := allowed(spelled); err != nil {
			return source.Reading{}, fmt.Errorf("%s: %w: %w", address.Host, errkind.Invalid, err)
		}
		place, _ := ipclass.Find(spelled)
		local = local || place == ipclass.Loopback
	}
	if address.Scheme != "https" && !local {
		return source.Reading{}, fmt.Errorf("%s: a list is read over https only, so that nobody on the way can change it: %w", shown, errkind.Invalid)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return source.Reading{}, fmt.Errorf("read the address of the source: %w", errkind.Invalid)
	}
	request.Header.Set("User-Agent", r.options.UserAgent)
	if version != "" {
		request.Header.Set("If-None-Match", version)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return source.Reading{}, fmt.Errorf("%s is not reachable: %w: %w", address.Host, errkind.Unavailable, unwrapped(err))
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotModified && version != "":
		return source.Reading{Version: version, Unchanged: true}, nil
	case response.StatusCode != http.StatusOK:
		return source.Reading{}, statusError(shown, response)
	}
	text, err := io.ReadAll(outbound.Bounded(response.Body, largest))
	if err != nil {
		kind := errkind.Unavailable
		if errors.Is(err, errkind.Limit) {
			kind = errkind.Limit
		}
		return source.Reading{}, fmt.Errorf("read %s: %w: %w", shown, kind, err)
	}
	found, err := List(text, path.Base(address.Path), s.Platform)
	return source.Reading{Found: found, Version: response.Header.Get("ETag")}, err
}

// unwrapped is an error of the client without its address, which is said already.
func unwrapped(err error) error {
	if inner, is := errors.AsType[*url.Error](err); is {
		return inner.Err
	}
	return err
}

func statusError(address string, response *http.Response) error {
	kind := errkind.Unavailable
	switch response.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		kind = errkind.NotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = errkind.Unauthorized
	}
	return fmt.Errorf("%s responded %s: %w", address, response.Status, kind)
}

// lists are the files of a folder that can be lists.
func lists(_ string, names []string) (found []string) {
	for _, name := range names {
		if slices.Contains([]string{".txt", ".list", ".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name))) {
			found = append(found, name)
		}
	}
	return found
}
