// Release makes from the files in dist/, which goreleaser built, what it does not: the
// provenance of the files, and the image for both platforms with its attestations.
// Both have the same bytes for the same commit, version of Go and base image.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// source is what a release was built from, and by what.
type source struct {
	version  string
	revision string    // commit
	date     time.Time // of the commit
	builder  string    // URL that names who ran the build
}

const repository = "https://github.com/tagwatch/tagwatch"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	if len(arguments) == 0 {
		return errors.New("say what to make: provenance or image")
	}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	dist := flags.String("dist", "dist", "`folder` of the release")
	version := flags.String("version", "", "`version` of the release")
	revision := flags.String("revision", "", "`commit` of the release")
	epoch := flags.Int64("date", 0, "`time` of the commit, in seconds since 1970")
	builder := flags.String("builder", repository+"/blob/main/.ci/release.sh", "`URL` that names who ran the build")
	base := flags.String("base", "gcr.io/distroless/static:nonroot", "`reference` of the image below the programs")
	layout := flags.String("layout", "dist/image", "`folder` for the image in OCI's layout; it is replaced")
	push := flags.String("push", "", "`reference` to push the image to, besides")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	if *version == "" || *revision == "" || *epoch == 0 || flags.NArg() > 0 {
		return errors.New("give --version, --revision and --date, and no arguments")
	}
	from := source{version: *version, revision: *revision, date: time.Unix(*epoch, 0).UTC(), builder: *builder}
	switch arguments[0] {
	case "provenance":
		return writeProvenance(*dist, from)
	case "image":
		recipe := recipe{source: from, dist: *dist, base: *base}
		return recipe.make(ctx, *layout, *push, out)
	}
	return fmt.Errorf("cannot make %q: expected provenance or image", arguments[0])
}

// toolchain is the compiler, which goreleaser runs as this program was.
func toolchain() string { return runtime.Version() }
