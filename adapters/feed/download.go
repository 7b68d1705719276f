package feed

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// downloaded is the source of a build that comes from its address.
func (f *Feed) downloaded(wanted vuln.Build, report func(string)) source {
	return func(ctx context.Context, scratch string) (string, error) {
		file := filepath.Join(scratch, "archive")
		return file, f.download(ctx, wanted, file, report)
	}
}

// download writes an archive to a file and checks it.
func (f *Feed) download(ctx context.Context, wanted vuln.Build, file string, report func(string)) error {
	u, err := f.credentialed(wanted.URL)
	if err != nil {
		return err
	}
	response, err := f.get(ctx, u, f.options.Timeout)
	if err != nil {
		return err
	}
	sum, err := f.save(response, file, report)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("download %s: %w", shown(u), err)
	}
	if sum == wanted.Checksum || f.unwrap(file, wanted.Checksum) {
		return nil
	}
	return fmt.Errorf("download %s: %w: its checksum is %s, not the listed one; %s; publish the archive whole, and make proxies or logins in between pass it on unchanged",
		shown(u), errkind.Invalid, sum, f.received(u, response, headOfFile(file)))
}

// unwrap undoes compression that a server in between put around an archive: then the
// listed checksum is that of the content.
func (f *Feed) unwrap(file, checksum string) bool {
	in, err := os.Open(file)
	if err != nil {
		return false
	}
	defer func() { _ = in.Close() }() // only read
	stream, err := gzip.NewReader(in)
	if err != nil {
		return false
	}
	inside := file + ".inside"
	sum, _, err := write(inside, outbound.Bounded(stream, f.options.MaxArchive))
	if err != nil || sum != checksum {
		_ = os.Remove(inside) // it is in the scratch directory
		return false
	}
	return os.Rename(inside, file) == nil
}

func headOfFile(file string) []byte {
	in, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer func() { _ = in.Close() }() // only read
	return headOf(in)
}

func (f *Feed) save(response *http.Response, file string, report func(string)) (checksum string, err error) {
	if response.ContentLength > f.options.MaxArchive {
		return "", fmt.Errorf("%w: %d bytes, the limit is %d", errkind.Limit, response.ContentLength, f.options.MaxArchive)
	}
	counted := &counter{total: response.ContentLength, report: report}
	checksum, size, err := write(file, io.TeeReader(outbound.Bounded(response.Body, f.options.MaxArchive), counted))
	if err != nil {
		return "", fmt.Errorf("after %d bytes: %w", size, err)
	}
	return checksum, nil
}

// write fills a file and returns the checksum and size of the content.
func write(file string, from io.Reader) (checksum string, size int64, err error) {
	out, err := os.Create(file)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	digest := sha256.New()
	size, err = io.Copy(io.MultiWriter(out, digest), from)
	return "sha256:" + hex.EncodeToString(digest.Sum(nil)), size, err
}

// counter reports the progress of a download, at each mebibyte.
type counter struct {
	done, reported, total int64
	report                func(string)
}

func (c *counter) Write(p []byte) (int, error) {
	const step = 1 << 20
	c.done += int64(len(p))
	if c.done-c.reported >= step {
		c.reported = c.done
		c.report(c.text())
	}
	return len(p), nil
}

func (c *counter) text() string {
	if c.total < 0 {
		return fmt.Sprintf("fetching vulnerability data: %d MiB", c.done>>20)
	}
	return fmt.Sprintf("fetching vulnerability data: %d of %d MiB", c.done>>20, c.total>>20)
}
