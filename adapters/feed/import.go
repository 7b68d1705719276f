package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Import adds a build from a file: a publisher's archive, or a bare database. Its
// name is the checksum of that file.
func (f *Feed) Import(ctx context.Context, file string) (vuln.Build, error) {
	checksum, err := checksumOf(ctx, file)
	if err != nil {
		return vuln.Build{}, fmt.Errorf("import %s: %w", filepath.Base(file), err)
	}
	local := func(context.Context, string) (string, error) { return file, nil }
	everything := func(vuln.Description) error { return nil }
	made, err := f.add(ctx, vuln.Build{Checksum: checksum}, local, everything)
	if err != nil {
		return vuln.Build{}, fmt.Errorf("import %s: %w", filepath.Base(file), err)
	}
	return made, nil
}

func checksumOf(ctx context.Context, file string) (string, error) {
	in, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%w: %w", errkind.NotFound, err)
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }() // only read
	digest := sha256.New()
	if _, err := io.Copy(digest, reading{ctx, in}); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(digest.Sum(nil)), nil
}

// reading ends with its context.
type reading struct {
	ctx context.Context
	io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
