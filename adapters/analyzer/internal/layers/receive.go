package layers

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// maxWindow bounds the memory of a zstd stream; it is the default of the zstd command.
const maxWindow = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// receive unpacks an arriving layer into a file, and verifies it against the digest
// and size in the manifest. It adds the archive to sum.
func receive(body io.Reader, want Layer, path string, sum hash.Hash64, sizeLimit *SizeLimit) (Facts, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Facts{}, fmt.Errorf("store layer: %w", err)
	}
	defer file.Close()
	source := &source{body: body, limit: want.Size, hash: sha256.New()}
	target := &target{file: file, hash: sha256.New(), sum: sum, sizeLimit: sizeLimit}
	entries, err := unpack(source, target, sizeLimit)
	if err = outcome(want, source, target, err); err != nil {
		return Facts{}, err
	}
	// The name that makes the layer visible must not outlive its content in a crash.
	if err := file.Sync(); err != nil {
		return Facts{}, fmt.Errorf("store layer: %w", err)
	}
	return Facts{DiffID: "sha256:" + hex.EncodeToString(target.hash.Sum(nil)), Size: target.size, Entries: entries}, nil
}

// unpack writes the layer's archive to the target. Like other tools, it recognizes
// the compression by the content and not by the media type.
func unpack(source io.Reader, target io.Writer, sizeLimit *SizeLimit) (entries int, err error) {
	buffered := bufio.NewReaderSize(source, 64<<10)
	plain, err := decompress(buffered)
	if err != nil {
		return 0, err
	}
	defer plain.Close()
	if entries, err = walk(io.TeeReader(plain, target), sizeLimit); err != nil {
		return entries, err
	}
	_, err = io.Copy(io.Discard, buffered) // the digest covers what a decompressor leaves unread
	return entries, err
}

func decompress(packed *bufio.Reader) (io.ReadCloser, error) {
	start, err := packed.Peek(len(zstdMagic))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case bytes.HasPrefix(start, gzipMagic):
		return gzip.NewReader(packed)
	case bytes.HasPrefix(start, zstdMagic):
		decoder, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	}
	return io.NopCloser(packed), nil
}

// outcome is the error of an attempt to receive a layer. Errors of the source and the
// disk come first, because the formats in between misreport them; then whether the
// bytes have the layer's digest: others say nothing about the image.
func outcome(want Layer, source *source, target *target, err error) error {
	if target.err != nil && !errors.Is(target.err, errkind.Limit) {
		return target.err
	}
	source.drain(target.sizeLimit.limits.LayerBytes)
	found := hex.EncodeToString(source.hash.Sum(nil))
	switch {
	case source.err != nil:
		return source.err
	case !source.ended:
		return fmt.Errorf("%s sent more than the %d bytes in the manifest: %w", want.from(), want.Size, errkind.Unavailable)
	case found != want.Digest.Hex() && source.size < want.Size:
		return fmt.Errorf("%s sent only %d of %d bytes: %w", want.from(), source.size, want.Size, errkind.Unavailable)
	case found != want.Digest.Hex():
		return fmt.Errorf("%s sent content with digest sha256:%s: %w", want.from(), found, errkind.Unavailable)
	case source.size != want.Size:
		return fmt.Errorf("it has %d bytes, and %d in the manifest: %w", source.size, want.Size, errkind.Invalid)
	case target.err != nil:
		return target.err
	case errors.Is(err, errkind.Limit):
		return err
	case err != nil:
		return fmt.Errorf("broken archive: %w: %w", errkind.Invalid, err)
	}
	return nil
}

// source is the arriving layer.
type source struct {
	body  io.Reader
	limit int64
	hash  hash.Hash
	size  int64
	ended bool
	err   error // other than its end
}

// drain reads what is left, up to a limit: a digest covers all of it.
func (s *source) drain(limit int64) {
	s.limit = max(s.limit, limit)
	for buffer := make([]byte, 64<<10); !s.ended && s.err == nil && s.size <= s.limit; {
		if _, err := s.Read(buffer); err != nil {
			return
		}
	}
}

// Read implements io.Reader. It stops soon after the limit.
func (s *source) Read(p []byte) (int, error) {
	if s.size > s.limit {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := s.body.Read(p)
	s.hash.Write(p[:n])
	s.size += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		s.ended = true
	case err != nil:
		s.err = err
	}
	return n, err
}

// target is the unpacked layer. Its errors are the disk's, or a limit.
type target struct {
	file      *os.File
	hash      hash.Hash
	sum       hash.Hash64
	sizeLimit *SizeLimit
	size      int64
	err       error
}

// Write implements io.Writer.
func (t *target) Write(p []byte) (int, error) {
	t.size += int64(len(p))
	if limit := t.sizeLimit.limits.LayerBytes; t.size > limit {
		t.err = exceeded("layer unpacks to more than %s", wording.Size(limit))
		return 0, t.err
	}
	if t.err = t.sizeLimit.spend(int64(len(p)), 0); t.err != nil {
		return 0, t.err
	}
	t.hash.Write(p)
	t.sum.Write(p)
	n, err := t.file.Write(p)
	if err != nil {
		t.err = fmt.Errorf("store layer: %w", err)
	}
	return n, t.err
}
