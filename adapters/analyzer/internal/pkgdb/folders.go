package pkgdb

import (
	"bytes"
	"io"
	"path"
	"strings"
)

// maxDesc bounds the description of one package. Real ones have some KiB.
const maxDesc = 16 << 20

// checkDesc checks the description that pacman keeps of one package.
func checkDesc(f File) (int, error) {
	content, err := io.ReadAll(io.LimitReader(f.Content, maxDesc))
	if err != nil {
		return 0, f.failed(err)
	}
	if bytes.ContainsRune(content, 0) {
		return 0, f.damaged("it holds bytes that are not text")
	}
	for _, field := range []string{"%NAME%", "%VERSION%"} {
		_, rest, found := strings.Cut("\n"+string(content), "\n"+field+"\n")
		value, _, ended := strings.Cut(rest, "\n")
		if !found || !ended || value == "" {
			return 0, f.damaged("it has no complete %s", field)
		}
	}
	return 1, nil
}

// checkContents has nothing to check: Portage has name and version in the path.
func checkContents(File) (int, error) { return 1, nil }

// beside checks that the file that describes the package is in the same folder.
func beside(name string) func(File) (int, error) {
	return func(f File) (int, error) {
		wanted := path.Join(path.Dir(f.Path), name)
		found, err := f.Find(literal(wanted))
		if err == nil && len(found) == 0 {
			err = f.damaged("the package has no file %s", wanted)
		}
		return 0, err
	}
}
