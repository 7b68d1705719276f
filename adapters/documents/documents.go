// Package documents reads the files of documents that declare what an installation has, and
// the policy bundles that they name.
package documents

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Names are the documents directly in a folder, by name, links included: a mounted
// ConfigMap has such.
func Names(folder string) (names []string, err error) {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		extension := filepath.Ext(entry.Name())
		if (extension == ".yaml" || extension == ".yml") && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, filepath.Join(folder, entry.Name()))
		}
	}
	return names, err
}

// Bundle reads a file that a document names relative to its own folder.
func Bundle(from declaration.Place, name string) ([]byte, error) {
	path := name
	if !filepath.IsAbs(name) {
		path = filepath.Join(filepath.Dir(from.File), name)
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("file %s not found; paths are relative to the document", path)
	}
	return content, err
}

// largest bounds the files of a folder together, in bytes.
const largest = 64 << 20

// Folder reads the documents of a folder; errkind.NotFound without any.
func Folder(folder string) ([]declaration.File, error) {
	names, err := Names(folder)
	if err != nil {
		return nil, kind(err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("folder %s has no .yaml or .yml file: %w", folder, errkind.NotFound)
	}
	var files []declaration.File
	size := int64(0)
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, kind(err)
		}
		if size += info.Size(); size > largest {
			return nil, fmt.Errorf("the documents of folder %s have more than %d MiB: %w", folder, largest>>20, errkind.Limit)
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, kind(err)
		}
		files = append(files, declaration.File{Name: name, Content: content})
	}
	return files, nil
}

// kind is the error with what people can do about it.
func kind(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", errkind.NotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", errkind.Unauthorized, err)
	}
	return fmt.Errorf("%w: %w", errkind.Unavailable, err)
}
