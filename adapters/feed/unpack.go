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

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// How files that contain a database begin.
var (
	zstdMagic   = []byte{0x28, 0xb5, 0x2f, 0xfd}
	gzipMagic   = []byte{0x1f, 0x8b}
	sqliteMagic = []byte("SQLite format 3\x00")
)

// maxWindow bounds the memory that a zstd stream may ask for. The publisher
// compresses with --ultra, which takes 128 MiB.
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
		err = fmt.Errorf("it is cut off and has to be published or copied again, whole: %w", err)
	}
	if errkind.Name(err) == "" && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", errkind.Invalid, err) // whatever is wrong with it stays wrong
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
		return f.copyBounded(out, in)
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
		return fmt.Errorf("%w: neither a tar.zst nor a tar.gz archive nor a database, %s", errkind.Invalid, f.beginning(head))
	}
}

// copyMember finds the database in a tar stream. Other members are passed over;
// they count against the limit too.
func (f *Feed) copyMember(out io.Writer, stream io.Reader) error {
	archive := tar.NewReader(&bounded{Reader: stream, left: f.options.MaxDatabase + slack})
	for {
		member, err := archive.Next()
		if err == io.EOF {
			return fmt.Errorf("%w: the archive holds no %s", errkind.Invalid, v6.VulnerabilityDBFileName)
		}
		if err != nil {
			return err
		}
		if member.Typeflag == tar.TypeReg && path.Clean(member.Name) == v6.VulnerabilityDBFileName {
			return f.copyBounded(out, archive)
		}
	}
}

// slack is what an archive may hold beside the database.
const slack = 16 << 20

func (f *Feed) copyBounded(out io.Writer, in io.Reader) error {
	_, err := io.Copy(out, &bounded{Reader: in, left: f.options.MaxDatabase})
	return err
}

// bounded fails when more comes than allowed.
type bounded struct {
	io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%w: the database is larger than allowed", errkind.Limit)
	}
	return n, err
}
