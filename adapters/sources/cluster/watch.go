package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

const (
	// shortestStream is how long a stream lasts at least before it is opened again.
	shortestStream = time.Second
	// mostShort is how many streams in a row may end at once.
	mostShort = 5
	// streamTime is the requested duration of a stream, up to twice that: a dead one is
	// noticed then at the latest.
	streamTime = 5 * time.Minute
	// largestFrame is how many bytes one event may have. An object has 1.5 MiB at most.
	largestFrame = 8 << 20
)

// Watch calls changed whenever something changed in a scope that a reading would show, and
// once when it begins to watch. It returns when the API server is away or refuses. A stream
// that ends is resumed where it ended.
func (c *Client) Watch(ctx context.Context, scope Scope, changed func()) error {
	group, ctx := errgroup.WithContext(ctx)
	var streams []*stream
	for _, at := range scope.places() {
		s := &stream{client: c, at: at, changed: changed, seed: maphash.MakeSeed(), seen: map[string]uint64{}}
		if err := s.begin(ctx); err != nil {
			s.close()
			closeAll(streams)
			return err
		}
		streams = append(streams, s)
	}
	changed()
	for _, s := range streams {
		group.Go(func() error { return s.follow(ctx) })
	}
	return group.Wait()
}

func closeAll(streams []*stream) {
	for _, s := range streams {
		s.close()
	}
}

// stream watches one list.
type stream struct {
	client  *Client
	at      place
	changed func()
	version string // of the last event
	body    io.ReadCloser
	end     context.CancelFunc
	// seen are hashes of what objects were, by their UIDs: most events are about what no
	// reading shows.
	seed maphash.Seed
	seen map[string]uint64
}

// begin opens the stream at the present version.
func (s *stream) begin(ctx context.Context) error {
	present, err := s.present(ctx)
	if err != nil {
		return err
	}
	s.version = present
	return s.open(ctx)
}

// resume opens the stream where it ended. An API server whose data was set back to a backup
// would take its version, which is none of the present ones, and say nothing until there is
// a later one.
func (s *stream) resume(ctx context.Context) error {
	present, err := s.present(ctx)
	if err != nil {
		return err
	}
	if order, err := resourceversion.CompareResourceVersion(present, s.version); err == nil && order < 0 {
		return errGone
	}
	return s.open(ctx)
}

func (s *stream) present(ctx context.Context) (version string, err error) {
	first, err := s.client.page(ctx, s.at, url.Values{"limit": {"1"}})
	return first.Metadata.Version, err
}

func (s *stream) open(ctx context.Context) error {
	lasts := streamTime + rand.N(streamTime)
	ctx, s.end = context.WithTimeout(ctx, lasts+headerTimeout)
	var err error
	s.body, err = s.client.get(ctx, "watch "+s.at.String(), s.at.path(), url.Values{"watch": {"true"}, "allowWatchBookmarks": {"true"},
		"resourceVersion": {s.version}, "timeoutSeconds": {strconv.Itoa(int(lasts.Seconds()))}})
	return err
}

func (s *stream) close() {
	if s.body != nil {
		_ = s.body.Close() // it was only read
		s.body = nil
	}
	if s.end != nil {
		s.end()
	}
}

// follow reads the stream and opens it again whenever it ends.
func (s *stream) follow(ctx context.Context) error {
	defer s.close()
	for short := 0; short < mostShort; {
		opened := time.Now()
		err := s.read()
		s.close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, errGone) {
			return err
		}
		if short++; time.Since(opened) > shortestStream {
			short = 0
		}
		if pause(ctx, shortestStream-time.Since(opened)); ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			err = s.resume(ctx)
		}
		if errors.Is(err, errGone) { // what happened meanwhile is not known
			s.close()
			err = s.begin(ctx)
			s.changed()
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("watch %s: each stream of the API server at %s ends at once: %w", s.at, s.client.base.Host, errkind.Unavailable)
}

func pause(ctx context.Context, wait time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}

// frame is one event.
type frame struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

// read reads events until the stream ends, which is not an error however it does.
func (s *stream) read() error {
	lines := bufio.NewScanner(s.body)
	lines.Buffer(nil, largestFrame)
	for lines.Scan() {
		var f frame
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return nil //nolint:nilerr // it broke off in the middle of an event
		}
		if err := s.take(f); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return s.client.broken("watch "+s.at.String(), fmt.Errorf("an event has more than %d bytes: %w", largestFrame, errkind.Limit))
	}
	return nil
}

func (s *stream) take(f frame) error {
	if f.Type == "ERROR" {
		return s.failure(f.Object)
	}
	o := object{kind: s.at.kind}
	if err := json.Unmarshal(f.Object, &o); err != nil {
		return s.client.broken("watch "+s.at.String(), err)
	}
	if o.Metadata.Version != "" {
		s.version = o.Metadata.Version
	}
	if f.Type != "BOOKMARK" && s.differs(f.Type, &o) {
		s.changed()
	}
	return nil
}

// differs reports whether an event says anything that a reading shows.
func (s *stream) differs(event string, o *object) bool {
	if event == "DELETED" {
		delete(s.seen, o.Metadata.UID)
		return true
	}
	o.trim()
	text, err := o.essence()
	if err != nil {
		return true
	}
	if len(s.seen) > mostObjects {
		clear(s.seen)
	}
	now := maphash.String(s.seed, text)
	before, known := s.seen[o.Metadata.UID]
	s.seen[o.Metadata.UID] = now
	return !known || before != now
}

// failure is the error of an event that is one.
func (s *stream) failure(content []byte) error {
	var said struct {
		Code    int
		Message string
	}
	if err := json.Unmarshal(content, &said); err != nil {
		return s.client.broken("watch "+s.at.String(), err)
	}
	if said.Code == http.StatusGone {
		return errGone
	}
	return fmt.Errorf("watch %s: the API server at %s reports %q: %w", s.at, s.client.base.Host, shortened(said.Message), kindOf(said.Code))
}
