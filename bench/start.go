package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/lab/stack"
)

// start measures the programs themselves: their sizes, and how long tagwatch up takes until
// everything is there, with an empty data directory.
func (w *world) start(ctx context.Context) error {
	for _, name := range []string{"tagwatch", worker, temporal} {
		info, err := os.Stat(filepath.Join(w.bin, name))
		if err != nil {
			return err
		}
		w.table.add("size of "+name, float64(info.Size())/(1<<20), "MiB", noBudget)
	}
	ports, err := stack.FreePorts(4)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	up := exec.CommandContext(ctx, filepath.Join(w.bin, "tagwatch"), "up", "--data-dir", filepath.Join(w.dir, "up"), "--port", ports[0], "--ui-port", ports[1],
		"--listen", "127.0.0.1:"+ports[2], "--api-listen", "127.0.0.1:"+ports[3], "--feed-url", w.feed.ListingURL())
	up.Cancel = func() error { return up.Process.Signal(os.Interrupt) }
	said := &awaited{text: "Tagwatch is up.", came: make(chan struct{})}
	up.Stderr = said
	began := time.Now()
	if err := up.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	select {
	case <-said.came:
	case err := <-ended:
		return fmt.Errorf("tagwatch up ended: %w\n%s", err, said.all.Bytes())
	}
	w.table.add("tagwatch up, until ready", time.Since(began).Seconds(), "s", 5)
	cancel()
	<-ended // interrupted
	return nil
}

// awaited waits for a text among what a program prints.
type awaited struct {
	text string
	came chan struct{}
	once sync.Once
	all  bytes.Buffer
}

func (a *awaited) Write(p []byte) (int, error) {
	a.all.Write(p)
	if bytes.Contains(a.all.Bytes(), []byte(a.text)) {
		a.once.Do(func() { close(a.came) })
	}
	return len(p), nil
}
