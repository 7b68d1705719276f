// Package inspect is the child's part of an analysis: it reads one image whose
// layers are unpacked in a folder, and writes the SBOM and the inventory beside its
// setup. It runs syft, and everything else that reads an image's content.
package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/licenses"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Files in the child's folder.
const (
	SetupFile     = "setup.json"
	LicensesFile  = "licenses"
	SBOMFile      = "sbom.json"
	InventoryFile = "inventory.json"
	failureFile   = "failure.json"
)

// maxFailure bounds the child's explanation of an error.
const maxFailure = 64 << 10

// Setup is what a child needs to know before it gets its request.
type Setup struct {
	Folder  string // that holds the layers and their digests, and that the child may read
	Content Content
	Limits  sandbox.Limits
	Version string // of the syft library
	// WriteLicenses makes the child write syft's license scanner to LicensesFile, for
	// the children that get images, and end.
	WriteLicenses bool `json:",omitempty"`
}

// Request is one image to inspect.
type Request struct {
	Name     string // of the image, for the SBOM
	Digest   image.Digest
	Manifest []byte
	Config   []byte
	// Layers is a folder with the image's archives, each named by [LayerName].
	Layers string
	// Sums is a folder with the digests of the layers' files, each file named by
	// [SumsName].
	Sums string
	// Licenses is syft's license scanner; without one, the child builds it when it is
	// needed.
	Licenses licenses.File
}

// Content is what to search the image's files for.
type Content struct {
	// Secrets and Search are expressions in the form NAME=regular expression,
	// applied from the start of each line of the files up to a size in bytes.
	Secrets        []string
	SecretMaxBytes int64
	Search         []string
	SearchMaxBytes int64
	// Retrieve are absolute paths of files whose content is kept, if they are
	// regular files up to a size in bytes.
	Retrieve         []string
	RetrieveMaxBytes int64
}

// Progress is the state of the child.
type Progress struct {
	Stage    string
	Packages int `json:",omitempty"`
}

// The stages of an inspection.
const (
	StageIndex   = "indexing layers"
	StageCatalog = "cataloging packages"
	StageFiles   = "reading files"
	StageWrite   = "writing results"
)

// LayerName is the name of an archive in the folder of layers: that of stereoscope's
// cache of unpacked layers.
func LayerName(index int, diffID string) string { return fmt.Sprintf("%d-%s", index, diffID) }

// WriteJSON writes a value to a file in the child's folder.
func WriteJSON(folder, name string, value any) error {
	file, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := errors.Join(json.NewEncoder(file).Encode(value), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Read reads a file of limited size from the child's folder.
func Read(folder, name string, limit int64) ([]byte, error) {
	file, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes: %w", name, limit, errkind.Limit)
	}
	return content, nil
}

// ReadJSON reads a value from a file of limited size in the child's folder.
func ReadJSON(folder, name string, limit int64, value any) error {
	content, err := Read(folder, name, limit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, value); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// failure is an error on its way from the child to the parent.
type failure struct {
	Kind string // name of the error kind; "" for none
	Text string
}

func writeFailure(folder string, err error) error {
	text := err.Error()
	return WriteJSON(folder, failureFile, failure{Kind: errkind.Name(err), Text: text[:min(len(text), maxFailure/8)]})
}

// ReadFailure returns the error that the child wrote, or the error of reading it.
func ReadFailure(folder string) error {
	var child failure
	if err := ReadJSON(folder, failureFile, maxFailure, &child); err != nil {
		return err
	}
	return child
}

// Error implements error.
func (f failure) Error() string { return f.Text }

// Unwrap is the error kind.
func (f failure) Unwrap() error { return errkind.ByName(f.Kind) }
