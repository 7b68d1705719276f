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
	keep := flag.Bool("keep", false, "keep running at the end, to look around in the Web UI")
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
	demo, err := story.New(os.Stdout, log, filepath.Dir(program), dir)
	if err != nil {
		return err
	}
	defer demo.Close()
	if err := demo.Tell(ctx); err != nil || !*keep {
		return err
	}
	lookAround(demo, filepath.Dir(program))
	<-ctx.Done()
	return nil
}

// lookAround prints the addresses of what still runs.
func lookAround(demo *story.Story, bin string) {
	fmt.Printf("\nStill running.\n\nStatus   %s\nWeb UI   %s\n\nIn another terminal:\n\n  export PATH=\"%s:$PATH\"\n", demo.Page(), demo.UI(), bin)
	for _, setting := range demo.Settings() {
		fmt.Printf("  export %s\n", setting)
	}
	fmt.Print("  tagwatch status\n  tagwatch notifications\n\nCtrl-C ends it, and deletes it.\n")
}
