package doctor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/starter/session"
)

// feedSource asks the source from here, which is not where the workers are, unless they have
// just read it and no other one is set here. The result stands behind what is known of the
// data.
func (e *examination) feedSource(ctx context.Context) error {
	if e.Stored == nil {
		return nil // reported above
	}
	feed, err := e.Stored.Feed(ctx)
	if err != nil || feed.Problem == nil && !feed.Checked.IsZero() && !e.IsSet("feed-url") {
		return ctx.Err() // an error of the database is reported above
	}
	asked := &examination{Session: e.Session}
	asked.askSource(ctx)
	last := len(e.Checks)
	for i, c := range e.Checks {
		if c.Subject == "feed" {
			last = i + 1
		}
	}
	e.Checks = slices.Insert(e.Checks, last, asked.Checks...)
	return ctx.Err()
}

func (e *examination) askSource(ctx context.Context) {
	const subject = "feed"
	address := strings.TrimSuffix(e.String("feed-url"), "/")
	if !strings.HasSuffix(address, ".json") {
		address += "/v6/latest.json"
	}
	ctx, cancel := context.WithTimeout(ctx, session.QueryTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		e.Fail(subject, "use a URL such as https://host/path", "--feed-url (TAGWATCH_FEED_URL) is not a URL")
		return
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		e.Warn(subject, "this matters only if the workers cannot reach it either, see above", "the source %s does not respond from here", request.URL.Host)
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		e.Warn(subject, "check --feed-url (TAGWATCH_FEED_URL)", "the source %s responds with HTTP %d", request.URL.Host, answer.StatusCode)
		return
	}
	if !looksLikeListing(answer.Body) {
		e.Warn(subject, "check --feed-url (TAGWATCH_FEED_URL), and any proxy or login page in between", "the source %s responds with %s instead of a listing",
			request.URL.Host, cmp.Or(answer.Header.Get("Content-Type"), "something without a content type"))
		return
	}
	e.OK(subject, "the source %s responds with a listing", request.URL.Host)
}

// looksLikeListing is what can be said without the matcher's library, which reads
// listings properly in the workers.
func looksLikeListing(body io.Reader) bool {
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(body, most))
	var listing struct{ Path, Checksum string }
	return err == nil && json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &listing) == nil && listing.Path != "" && listing.Checksum != ""
}
