package feed_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/tagwatch/tagwatch/adapters/feed"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/lab"
)

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	packer := gzip.NewWriter(&out)
	_, err := packer.Write(content)
	must(t, errors.Join(err, packer.Close()))
	return out.Bytes()
}

// utf16LE is how a common shell writes text files.
func utf16LE(text []byte) []byte {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(string(text))) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return out
}

func headers(pairs ...string) http.Header {
	header := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		header.Set(pairs[i], pairs[i+1])
	}
	return header
}

// TestHarmlessPublishing: what servers and editors do to files without changing
// what they say is undone.
func TestHarmlessPublishing(t *testing.T) {
	t.Parallel()
	database := build(t)
	packed, err := os.ReadFile(database.Archive)
	must(t, err)
	mark := []byte("\ufeff")
	for _, test := range []struct {
		name   string
		header http.Header
		path   string
		body   func(listing []byte) []byte
	}{
		{"listing: compressed", headers("Content-Encoding", "gzip"), listing, func(l []byte) []byte { return gzipped(t, l) }},
		{"listing: compressed without saying so", nil, listing, func(l []byte) []byte { return gzipped(t, l) }},
		{"listing: byte order mark", nil, listing, func(l []byte) []byte { return append(mark, l...) }},
		{"listing: both", headers("Content-Encoding", "gzip"), listing, func(l []byte) []byte { return gzipped(t, append(mark, l...)) }},
		{"listing: UTF-16", nil, listing, utf16LE},
		{"listing: as text", headers("Content-Type", "text/plain; charset=utf-8"), listing, func(l []byte) []byte { return append([]byte("\r\n "), l...) }},
		{"archive: compressed once more", headers("Content-Encoding", "gzip"), archive, func([]byte) []byte { return gzipped(t, packed) }},
		{"archive: as text", headers("Content-Type", "text/plain"), archive, func([]byte) []byte { return packed }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, feed.Options{})
			s.publish(t, database)
			answer, err := http.Get(s.publisher.ListingURL())
			must(t, err)
			text, err := io.ReadAll(answer.Body)
			must(t, errors.Join(err, answer.Body.Close()))
			s.publisher.Fail(lab.Fault{Path: test.path, Status: 200, Header: test.header, Body: string(test.body(text))})
			got, err := s.sync(t.Context())
			must(t, err)
			if got.Checksum != database.Checksum || !s.Has(database.Checksum) || len(s.entries(t)) != 1 {
				t.Errorf("build %+v, on disk %v", got, s.entries(t))
			}
		})
	}
}

// TestErrorsSayWhatCame: of which type, from where, how it begins, and what to do.
func TestErrorsSayWhatCame(t *testing.T) {
	t.Parallel()
	const login = "<!doctype html>\n<html><head><title>Sign in</title>"
	html := headers("Content-Type", "text/html; charset=utf-8")
	json := headers("Content-Type", "application/json")
	for _, test := range []struct {
		name   string
		faults []lab.Fault
		want   error
		says   []string
	}{
		{"listing: a page", []lab.Fault{{Path: listing, Status: 200, Header: html, Body: login}}, errkind.Invalid,
			[]string{"/v6/latest.json", "text/html", "<!doctype html> <html><head><title>Sign in", "--feed-url"}},
		{"listing: a compressed page", []lab.Fault{{Path: listing, Status: 200, Header: headers("Content-Type", "text/html", "Content-Encoding", "gzip"),
			Body: string(gzipped(t, []byte(login)))}}, errkind.Invalid, []string{"text/html", "gzip", "Sign in"}},
		{"listing: a login", []lab.Fault{{Path: listing, Status: 302, Header: headers("Location", "/login?back=secret-of-the-way")},
			{Path: "/login", Status: 200, Header: html, Body: login}}, errkind.Invalid, []string{"after a redirect to", "/login", "Sign in"}},
		{"listing: a redirect to nowhere", []lab.Fault{{Path: listing, Status: 304}}, errkind.Invalid, []string{"304", "/v6/latest.json"}},
		{"listing: nothing", []lab.Fault{{Path: listing, Status: 200, Header: json}}, errkind.Invalid, []string{"application/json", "it is empty", "--feed-url"}},
		{"listing: no content", []lab.Fault{{Path: listing, Status: 204}}, errkind.Invalid, []string{"204", "it is empty"}},
		{"listing: an array", []lab.Fault{{Path: listing, Status: 200, Header: json, Body: `[{"built": "2026-01-01"}]`}}, errkind.Invalid,
			[]string{"not a listing", `[{\"built\"`, "--feed-url"}},
		{"listing: of another kind", []lab.Fault{{Path: listing, Status: 200, Header: json, Body: `{"available": {"5": []}}`}}, errkind.Invalid,
			[]string{"does not name a database", "available", "--feed-url"}},
		{"listing: null", []lab.Fault{{Path: listing, Status: 200, Header: json, Body: "null"}}, errkind.Invalid, []string{`"null"`}},
		{"listing: another compression", []lab.Fault{{Path: listing, Status: 200, Header: headers("Content-Encoding", "br"), Body: "\x8b\x00\x80\x01\x02"}},
			errkind.Invalid, []string{`"br"`, "8b 00 80"}},
		{"listing: half of a compressed one", []lab.Fault{{Path: listing, Status: 200, Body: string(gzipped(t, []byte(login))[:30])}}, errkind.Invalid,
			[]string{"gzip and damaged"}},
		{"listing: a bomb", []lab.Fault{{Path: listing, Status: 200, Body: string(gzipped(t, bytes.Repeat([]byte(" "), 2<<20)))}}, errkind.Limit, []string{"more than"}},
		{"listing: forbidden", []lab.Fault{{Path: listing, Status: 403, Header: html, Body: "<h1>The proxy says no</h1>"}}, errkind.Unauthorized,
			[]string{"403", "text/html", "The proxy says no"}},
		{"listing: the address repeated", []lab.Fault{{Path: listing, Status: 404, Body: "no /v6/latest.json?token=opensesame for scott:tigerly"}}, errkind.NotFound,
			[]string{"***"}},
		{"archive: a page", []lab.Fault{{Path: archive, Status: 200, Header: html, Body: login}}, errkind.Invalid,
			[]string{".tar.zst", "text/html", "Sign in", "checksum"}},
		{"archive: a login", []lab.Fault{{Path: archive, Status: 302, Header: headers("Location", "/login")}, {Path: "/login", Status: 200, Header: html, Body: login}},
			errkind.Invalid, []string{"after a redirect to", "Sign in"}},
		{"archive: nothing", []lab.Fault{{Path: archive, Status: 200}}, errkind.Invalid, []string{"it is empty"}},
		{"archive: cut off on its way", []lab.Fault{{Path: archive, CutAfter: 5000}}, errkind.Unavailable, []string{"after 5000 bytes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, feed.Options{})
			address := strings.Replace(s.publisher.URL(), "://", "://scott:tigerly@", 1) + "/v6/latest.json?token=opensesame"
			s.Feed = open(t, s.root, feed.Options{URL: address})
			s.publish(t, build(t))
			for _, f := range test.faults {
				s.publisher.Fail(f)
			}
			_, err := s.sync(t.Context())
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			for _, secret := range []string{"tigerly", "opensesame", "secret-of-the-way"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error %q shows a secret", err)
				}
			}
		})
	}
}

// TestCutOffAtThePublisher: the archive has the listed checksum and ends too soon.
func TestCutOffAtThePublisher(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	whole, err := os.ReadFile(build(t).Archive)
	must(t, err)
	s.publish(t, repacked(t, build(t), whole[:len(whole)/2]))
	_, err = s.sync(t.Context())
	if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), s.publisher.URL()) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("error %v, want one that says what is cut off, and where it is", err)
	}
}
