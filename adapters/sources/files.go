package sources

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

const (
	// largest is how many bytes one file may have.
	largest = 8 << 20
	// mostFiles is how many files of a folder are read.
	mostFiles = 2000
)

// readFile reads a file of the worker.
func readFile(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for who writes
	if err != nil {
		return nil, fileError(path, err)
	}
	return content(file, path)
}

// readBelow reads a file that has to be below a folder, or the folder itself in place of
// one. Unlike a look at where it leads, which something may change meanwhile, the opening
// does not follow a link out of there.
func readBelow(folder, path string) ([]byte, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	if real == folder {
		folder = filepath.Dir(folder)
	}
	name, err := filepath.Rel(folder, real)
	if err != nil {
		return nil, fileError(path, err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fileError(path, err)
	}
	defer root.Close()
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fileError(path, err)
	}
	return content(file, path)
}

// content reads a file and closes it.
func content(file *os.File, path string) ([]byte, error) {
	defer file.Close()
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file: %w", path, errkind.Invalid)
	}
	text, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err != nil {
		return nil, fileError(path, err)
	}
	if len(text) > largest {
		return nil, fmt.Errorf("%s has more than %d MiB: %w", path, largest>>20, errkind.Limit)
	}
	return text, nil
}

func fileError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist on the worker: %w", path, errkind.NotFound)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the worker may not read %s: %w", path, errkind.Unauthorized)
	}
	return fmt.Errorf("read %s: %w", path, err)
}

// filesOf are the files that a path stands for: itself, or those of a folder and the
// folders in it that are wanted, sorted. Hidden folders are left out. A folder without
// one is an error: it is more likely another folder than an empty one.
func filesOf(path string, wanted func(folder string, names []string) []string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(each string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fileError(each, err)
		}
		if !entry.IsDir() {
			return nil
		}
		if each != path && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		names, err := namesIn(each)
		if err != nil {
			return err
		}
		for _, name := range wanted(each, names) {
			files = append(files, filepath.Join(each, name))
		}
		if len(files) > mostFiles {
			return fmt.Errorf("%s has more than %d files to read: %w", path, mostFiles, errkind.Limit)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no file of that kind: %w", path, errkind.NotFound)
	}
	slices.Sort(files)
	return files, err
}

func namesIn(folder string) (names []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fileError(folder, err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// composeFiles are those of a folder that Compose would take: one project a folder.
func composeFiles(_ string, names []string) []string {
	for _, name := range composeNames {
		if slices.Contains(names, name) {
			return []string{name}
		}
	}
	return nil
}

// dockerfiles are those of a folder that are named as Dockerfiles are.
func dockerfiles(_ string, names []string) (found []string) {
	for _, name := range names {
		lower := strings.ToLower(name)
		if strings.HasSuffix(lower, ".dockerignore") {
			continue
		}
		for _, stem := range []string{"dockerfile", "containerfile"} {
			if lower == stem || strings.HasPrefix(lower, stem+".") || strings.HasSuffix(lower, "."+stem) {
				found = append(found, name)
			}
		}
	}
	return found
}
