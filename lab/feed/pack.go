package feed

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
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
	archive, err := compress(data)
	if err == nil {
		err = os.WriteFile(path, archive, 0o644)
	}
	if err != nil {
		return Database{}, fmt.Errorf("pack vulnerability database: %w", err)
	}
	return Database{Archive: path, Built: built, Checksum: checksum(archive)}, nil
}

func checksum(archive []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(archive)) }

// compress makes an archive with the content of a database as its only file.
func compress(data []byte) ([]byte, error) {
	var packed bytes.Buffer
	compressed, err := zstd.NewWriter(&packed, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(compressed)
	err = archive.WriteHeader(&tar.Header{Name: v6.VulnerabilityDBFileName, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg})
	if err == nil {
		_, err = archive.Write(data)
	}
	err = errors.Join(err, archive.Close(), compressed.Close())
	return packed.Bytes(), err
}
