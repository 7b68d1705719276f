package feed

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/klauspost/compress/zstd"
)

// pack puts a database file into an archive named as the publisher names it.
// Grype's own packer changes the working directory of the process, which tests
// that run beside each other cannot have.
func pack(file, dir string, built time.Time) (Database, error) {
	name := fmt.Sprintf("vulnerability-db_v%d.%d.%d_%s_%d.tar.zst",
		v6.ModelVersion, v6.Revision, v6.Addition, timestamp(built), built.Unix())
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		return Database{}, fmt.Errorf("pack vulnerability database: %w", err)
	}
	var archive bytes.Buffer
	if err := compress(data, &archive); err != nil {
		return Database{}, err
	}
	if err := os.WriteFile(path, archive.Bytes(), 0o644); err != nil {
		return Database{}, fmt.Errorf("pack vulnerability database: %w", err)
	}
	return Database{Archive: path, Built: built, Checksum: checksum(archive.Bytes())}, nil
}

func checksum(archive []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(archive)) }

// compress writes the content of a database as the only file of an archive.
func compress(data []byte, to io.Writer) error {
	compressed, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return fmt.Errorf("pack vulnerability database: %w", err)
	}
	archive := tar.NewWriter(compressed)
	header := &tar.Header{Name: v6.VulnerabilityDBFileName, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg}
	if err := archive.WriteHeader(header); err != nil {
		return fmt.Errorf("pack vulnerability database: %w", err)
	}
	if _, err := archive.Write(data); err != nil {
		return fmt.Errorf("pack vulnerability database: %w", err)
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("pack vulnerability database: %w", err)
	}
	if err := compressed.Close(); err != nil {
		return fmt.Errorf("pack vulnerability database: %w", err)
	}
	return nil
}
