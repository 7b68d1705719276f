package sums

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// entry is what an archive has at a path.
type entry struct {
	key    key
	digest []byte // of a regular file
	target key    // of a hard link
	link   bool
}

// Compute digests the files of a layer's archive and writes the table. It first calls
// spend with the size of each file, since a sparse file claims more bytes than the
// archive has; an error of spend ends the computation.
//
// A path that the archive has several times is left out as ambiguous, unless all are
// regular files, of which the last counts.
func Compute(ctx context.Context, archive string, algorithm Algorithm, spend func(bytes int64) error, name string) error {
	entries, err := digest(ctx, archive, algorithm, spend)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write digests: %w", err)
	}
	_, err = file.Write(records(entries))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write digests: %w", err)
	}
	return nil
}

func digest(ctx context.Context, archive string, algorithm Algorithm, spend func(int64) error) (entries []entry, err error) {
	sum, buffer := algorithm.New(), make([]byte, 128<<10)
	err = EachEntry(ctx, archive, func(_ int, header *tar.Header, content io.Reader) error {
		found := entry{key: keyOf(header.Name)}
		switch header.Typeflag {
		case tar.TypeReg, tar.TypeGNUSparse:
			if err := spend(header.Size); err != nil {
				return err
			}
			sum.Reset()
			if _, err := io.CopyBuffer(onlyWriter{sum}, UntilDone(ctx, content), buffer); err != nil {
				return fmt.Errorf("digest layer: %w: %w", errkind.Invalid, err)
			}
			found.digest = sum.Sum(nil)
		case tar.TypeLink:
			found.link, found.target = true, keyOf(header.Linkname)
		}
		entries = append(entries, found)
		return nil
	})
	return entries, err
}

// EachEntry calls visit for each entry of a layer's archive, with its number.
func EachEntry(ctx context.Context, archive string, visit func(int, *tar.Header, io.Reader) error) error {
	file, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("read layer: %w", err)
	}
	defer file.Close()
	reader := tar.NewReader(file)
	for i := 0; ; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read layer: %w: %w", errkind.Invalid, err)
		}
		if err := visit(i, header, reader); err != nil {
			return err
		}
	}
}

// UntilDone reads until the context ends: one file can take long.
func UntilDone(ctx context.Context, reader io.Reader) io.Reader { return contextReader{ctx, reader} }

type contextReader struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// onlyWriter hides other methods of a hash, so that io.CopyBuffer uses the buffer.
type onlyWriter struct{ io.Writer }

// records are the entries that have a digest, sorted.
func records(entries []entry) []byte {
	slices.SortStableFunc(entries, func(a, b entry) int { return bytes.Compare(a.key[:], b.key[:]) })
	files := single(entries)
	var packed bytes.Buffer
	for _, each := range files {
		if each.link {
			each.digest = linked(files, each.target)
		}
		if each.digest != nil {
			packed.Write(each.key[:])
			packed.Write(each.digest)
		}
	}
	return packed.Bytes()
}

// single leaves one entry for each key: the last, if all are regular files.
func single(sorted []entry) (files []entry) {
	for len(sorted) > 0 {
		n := 1
		regular := sorted[0].digest != nil
		for ; n < len(sorted) && sorted[n].key == sorted[0].key; n++ {
			regular = regular && sorted[n].digest != nil
		}
		if regular || n == 1 {
			files = append(files, sorted[n-1])
		}
		sorted = sorted[n:]
	}
	return files
}

// linked is the digest of the regular file that a hard link of the same layer
// names; nil if there is none.
func linked(sorted []entry, target key) []byte {
	i, found := slices.BinarySearchFunc(sorted, target, func(e entry, k key) int { return bytes.Compare(e.key[:], k[:]) })
	if !found || sorted[i].link {
		return nil
	}
	return sorted[i].digest
}
