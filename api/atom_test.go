package api_test

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"
)

// feedReader is what a feed reader understands.
type feedReader struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Author  string   `xml:"author>name"`
	Entries []struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Updated string `xml:"updated"`
		Content string `xml:"content"`
	} `xml:"entry"`
}

// subscribe reads a feed with a token in the address.
func (f *fixture) subscribe(name, query string, headers ...string) (*http.Response, feedReader) {
	f.Helper()
	response, body := f.send("", http.MethodGet, "/api/v1/notifications.atom?"+query+"&token="+f.tokens[name], "", headers...)
	var read feedReader
	if response.StatusCode == http.StatusOK {
		f.must(xml.Unmarshal([]byte(body), &read))
	}
	if strings.Contains(body, f.tokens[name]) || strings.Contains(body, "twt_") {
		f.Errorf("the answer shows the token: %s", body)
	}
	return response, read
}

// TestAtom: a feed has what the token may see and the address selects, with what RFC 4287
// requires, and is the same until something new is stored.
func TestAtom(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.must(f.publish("hostile", inside, "{}"))
		f.must(f.publish("elsewhere", "ghcr.io/web/shop_:1", "{}"))
		response, all := f.subscribe("feed", "")
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/atom+xml" || all.ID == "" || all.Title == "" || all.Author == "" || len(all.Entries) < 3 {
			t.Fatalf("%d %s %+v", response.StatusCode, response.Header, all)
		}
		ids := map[string]bool{all.ID: true}
		for i, entry := range all.Entries {
			if _, err := time.Parse(time.RFC3339, entry.Updated); err != nil || ids[entry.ID] || !strings.HasPrefix(entry.ID, "urn:uuid:") || entry.Title == "" || entry.Content == "" {
				t.Errorf("entry %d: %+v %v", i, entry, err)
			}
			ids[entry.ID] = true
		}
		etag := response.Header.Get("ETag")
		if again, _ := f.subscribe("feed", "", "If-None-Match", etag); again.StatusCode != http.StatusNotModified {
			t.Errorf("unchanged: %d", again.StatusCode)
		}
		for query, want := range map[string]string{"ref=" + inside: inside, "repository=ghcr.io/web/shop": "ghcr.io/web/shop:", "repository=nginx": "docker.io/library/nginx"} {
			_, part := f.subscribe("feed", query)
			for _, entry := range part.Entries {
				if !strings.Contains(entry.Content, want) {
					t.Errorf("%s has %+v", query, entry)
				}
			}
			if len(part.Entries) == 0 || part.ID == all.ID {
				t.Errorf("%s: %+v", query, part)
			}
		}
		if _, limited := f.subscribe("web-feed", ""); len(limited.Entries) == 0 || len(limited.Entries) >= len(all.Entries) {
			t.Errorf("with bounds: %d of %d", len(limited.Entries), len(all.Entries))
		}
		if response, _ := f.subscribe("web-feed", "ref="+outside); response.StatusCode != http.StatusNotFound {
			t.Errorf("an outside tag: %d", response.StatusCode)
		}
		for i := range 60 {
			f.must(f.publish("more-"+string(rune('A'+i)), inside, "{}"))
		}
		if changed, more := f.subscribe("feed", "", "If-None-Match", etag); changed.StatusCode != http.StatusOK || len(more.Entries) != 50 {
			t.Errorf("changed: %d with %d entries", changed.StatusCode, len(more.Entries))
		}
	})
}

// TestTokensInAddresses: only a token of the scope feed is accepted there, and only for a
// feed.
func TestTokensInAddresses(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, name := range []string{"read", "act", "admin", "web-read"} {
			if response, _ := f.subscribe(name, ""); response.StatusCode != http.StatusForbidden {
				t.Errorf("%s in the address: %d", name, response.StatusCode)
			}
		}
		f.expect(f.send("", "GET", "/api/v1/tags?token="+f.tokens["feed"], ""))(http.StatusUnauthorized, "elsewhere")
		f.expect(f.send("", "GET", "/api/v1/notifications.atom?token=twt_none", ""))(http.StatusUnauthorized, "a wrong one")
		for _, path := range []string{"/tags", "/notifications", "/notifications/stream", "/service"} {
			f.expect(f.send("feed", "GET", "/api/v1"+path, ""))(http.StatusForbidden, path+" with a token of the scope feed")
		}
		if response, _ := f.send("read", "GET", "/api/v1/notifications.atom", ""); response.StatusCode != http.StatusOK {
			t.Errorf("a feed with a token of the scope read in a header: %d", response.StatusCode)
		}
	})
}
