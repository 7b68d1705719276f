package licenses

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/google/licensecheck"
)

// File is a file with a scanner. The zero value is none.
type File struct {
	Path   string
	SHA256 string // of its content
}

// Write builds the scanner and writes it to a file.
func Write(path string) error {
	if err := checkLayout(); err != nil {
		return fmt.Errorf("write license scanner: %w", err)
	}
	built, err := licensecheck.NewScanner(licensecheck.BuiltinLicenses())
	if err != nil {
		return fmt.Errorf("build license scanner: %w", err)
	}
	content, err := pack(fieldsOf(built).re)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write license scanner: %w", err)
	}
	return nil
}

// Find is the file that Write wrote.
func Find(path string) (File, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return File{}, fmt.Errorf("find license scanner: %w", err)
	}
	return File{path, sumOf(content)}, nil
}

// load reads the scanner. It decides what an analysis finds, so a file that has changed
// is refused.
func (f File) load() (*licensecheck.Scanner, error) {
	content, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, fmt.Errorf("load license scanner: %w", err)
	}
	if sumOf(content) != f.SHA256 {
		return nil, fmt.Errorf("load license scanner: %s has changed", f.Path)
	}
	scanner, err := unpack(content)
	if err != nil {
		return nil, fmt.Errorf("load license scanner: %w", err)
	}
	return scanner, nil
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
