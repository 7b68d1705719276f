package up

import (
	"os"
	"syscall"

	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// demonstrate becomes the demonstration, a program of its own: its registry and its builder
// of images have no place in what people install.
func demonstrate() error {
	path, err := session.Beside("tagwatch-demo")
	if err != nil {
		return exit.Usage("program tagwatch-demo not found next to tagwatch or on the PATH; a release has it in an archive of its own, and the source builds and runs it by: make demo ARGS=-keep")
	}
	return exit.Unable(syscall.Exec(path, []string{path, "-keep"}, os.Environ()))
}
