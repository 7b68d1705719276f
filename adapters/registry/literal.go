package registry

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// literal is a transport of content as it is named by its digest. It asks for no
// compression on the way, and believes the content and not the label: stores
// label layers, which are compressed, with Content-Encoding: gzip.
type literal struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (l literal) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Accept-Encoding") == "" {
		req = req.Clone(req.Context())
		req.Header.Set("Accept-Encoding", "identity")
	}
	resp, err := l.Transport.RoundTrip(req)
	if err == nil && strings.Contains(strings.ToLower(resp.Header.Get("Content-Encoding")), "gzip") && req.Method != http.MethodHead {
		resp.Body = &labelled{body: resp.Body}
		resp.ContentLength = -1
	}
	return resp, err
}

// labelled is a body that is said to be compressed on the way.
type labelled struct {
	body   io.ReadCloser
	chosen io.Reader // once its beginning was seen
}

// Read implements io.Reader.
func (l *labelled) Read(p []byte) (int, error) {
	if l.chosen == nil {
		chosen, err := asNamed(l.body)
		if err != nil {
			return 0, err
		}
		l.chosen = chosen
	}
	return l.chosen.Read(p)
}

// Close implements io.Closer.
func (l *labelled) Close() error { return l.body.Close() }

// beginning is how much of a body shows what it is.
const beginning = 4 << 10

// asNamed is what a body's digest names: a document, or a layer that was
// compressed once more, is what is inside; a layer that is compressed itself is
// what was sent.
func asNamed(body io.Reader) (io.Reader, error) {
	whole := bufio.NewReaderSize(body, beginning)
	head, err := whole.Peek(beginning)
	if err != nil && err != io.EOF {
		return nil, err
	}
	probe, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return whole, nil // not compressed at all
	}
	inside := make([]byte, 512)
	n, _ := io.ReadFull(probe, inside) // less than that is enough to judge by
	if !wraps(inside[:n]) {
		return whole, nil
	}
	unpacked, err := gzip.NewReader(whole)
	if err != nil {
		return nil, fmt.Errorf("content that is said to be compressed: %w", err)
	}
	return unpacked, nil
}

// wraps reports whether content with this beginning was compressed for the way
// only: JSON, gzip and zstd. A tar archive may well be stored compressed.
func wraps(inside []byte) bool {
	const magic = 257 // of a tar archive
	if len(inside) > magic && bytes.HasPrefix(inside[magic:], []byte("ustar")) {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(inside, " \t\r\n"), []byte("{")) ||
		bytes.HasPrefix(inside, []byte("\x1f\x8b")) || bytes.HasPrefix(inside, []byte("\x28\xb5\x2f\xfd"))
}
