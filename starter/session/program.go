package session

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tagwatch/tagwatch/starter/exit"
)

// Beside finds a program in the folder of this one, or on the PATH.
func Beside(name string) (string, error) {
	if own, err := os.Executable(); err == nil {
		if path := filepath.Join(filepath.Dir(own), name); executable(path) {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", exit.Unable(fmt.Errorf("program %s not found next to tagwatch or on the PATH; keep the three programs of a release in one folder, or build them with: make build", name))
	}
	return path, nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
