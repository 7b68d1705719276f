// Tagwatch-demo shows the main job from end to end on this machine, without the
// internet: real images in a real registry, real vulnerability data, Temporal, a
// worker, and every webhook with its cause as it comes.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/tagwatch/tagwatch/lab/story"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	keep := flag.Bool("keep", false, "go on running at the end, to look around in the Web UI")
	verbose := flag.Bool("verbose", false, "show what the programs log")
	flag.Parse()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tagwatch-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var log io.Writer = io.Discard
	if *verbose {
		log = os.Stderr
	}
	telling, err := story.New(os.Stdout, log, filepath.Dir(program), dir)
	if err != nil {
		return err
	}
	defer telling.Close()
	if err := telling.Tell(ctx); err != nil || !*keep {
		return err
	}
	fmt.Printf("\nStill running. The status page is at %s, the Web UI at %s. Ctrl-C ends it.\n", telling.Page(), telling.UI())
	<-ctx.Done()
	return nil
}
