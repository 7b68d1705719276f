package feed

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/klauspost/compress/zstd"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// The first bytes of files that contain a database.
var (
	zstdMagic   = []byte{0x28, 0xb5, 0x2f, 0xfd}
	gzipMagic   = []byte{0x1f, 0x8b}
	sqliteMagic = []byte("SQLite format 3\x00")
)

// maxWindow bounds the memory for a zstd stream. The publisher compresses with
// --ultra, which needs 128 MiB.
const maxWindow = 256 << 20

// unpack writes the database of an archive to a file.
func (f *Feed) unpack(ctx context.Context, archive, database string) error {
	in, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer func() { _ = in.Close() }() // only read
	out, err := os.Create(database)
	if err != nil {
		return fmt.Errorf("unpack database: %w", err)
	}
	err = errors.Join(f.copyDatabase(out, bufio.NewReader(reading{ctx, in})), out.Close())
	if err == nil {
		return nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("it is cut off; publish or copy it again, whole: %w", err)
	}
	if errkind.Name(err) == "" && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", errkind.Invalid, err) // retrying does not help
	}
	return fmt.Errorf("unpack database: %w", err)
}

func (f *Feed) copyDatabase(out io.Writer, in *bufio.Reader) error {
	head, err := in.Peek(len(sqliteMagic))
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case bytes.HasPrefix(head, sqliteMagic):
		_, err = io.Copy(out, outbound.Bounded(in, f.options.MaxDatabase))
		return err
	case bytes.HasPrefix(head, zstdMagic):
		stream, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		defer stream.Close()
		return f.copyMember(out, stream)
	case bytes.HasPrefix(head, gzipMagic):
		stream, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		return f.copyMember(out, stream)
	default:
		return fmt.Errorf("%w: not a tar.zst archive, a tar.gz archive or a database, %s", errkind.Invalid, f.beginning(head))
	}
}

// copyMember finds the database in a tar stream. Other members are skipped, and
// count against the limit too.
func (f *Feed) copyMember(out io.Writer, stream io.Reader) error {
	archive := tar.NewReader(outbound.Bounded(stream, f.options.MaxDatabase+slack))
	for {
		member, err := archive.Next()
		if err == io.EOF {
			return fmt.Errorf("%w: the archive has no %s", errkind.Invalid, v6.VulnerabilityDBFileName)
		}
		if err != nil {
			return err
		}
		if member.Typeflag == tar.TypeReg && path.Clean(member.Name) == v6.VulnerabilityDBFileName {
			_, err = io.Copy(out, outbound.Bounded(archive, f.options.MaxDatabase))
			return err
		}
	}
}

// slack is what an archive may hold beside the database.
const slack = 16 << 20
