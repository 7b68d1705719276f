package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/sbom"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// A limit that a system call met is named, whether syft keeps the error as a text or
// the analysis ends with it. A full disk is never the image's fault.
func TestShortages(t *testing.T) {
	t.Parallel()
	limits := sandbox.Limits{FileBytes: 8 << 20, OpenFiles: 100, Memory: 64 << 20}
	for _, test := range []struct {
		errno syscall.Errno
		kind  error
		says  string
	}{
		{syscall.EFBIG, errkind.Limit, "limit of 8 MiB a file"},
		{syscall.EMFILE, errkind.Limit, "limit of 100 open files"},
		{syscall.ENOMEM, errkind.Limit, "memory limit of 64 MiB"},
		{syscall.ENOSPC, errkind.Unavailable, "no space left"},
	} {
		at := file.NewCoordinates("/app.jar", "")
		recorded := &sbom.SBOM{Artifacts: sbom.Artifacts{Unknowns: map[file.Coordinates][]string{at: {"unable to extract: " + test.errno.Error()}}}}
		ended := fmt.Errorf("write SBOM: %w", &fs.PathError{Op: "write", Path: SBOMFile, Err: test.errno})
		for way, err := range map[string]error{"recorded": complete(recorded, limits), "ended": explain(ended, limits)} {
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, %s: %v, want %v that says %q", test.errno, way, err, test.kind, test.says)
			}
		}
	}
	if err := explain(errkind.Invalid, limits); !errors.Is(err, errkind.Invalid) {
		t.Errorf("another error became %v", err)
	}
}
