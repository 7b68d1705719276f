package analyzer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
)

// child is a child process with the folder that it may read. It inspects one image
// and ends, so that nothing of an image can reach another.
type child struct {
	folder  string
	process *sandbox.Child
}

// work is the child's working folder, the only one that it may write to.
func (c *child) work() string { return filepath.Join(c.folder, "work") }

// give moves the folder of an image into that of the child, and returns its name there.
func (c *child) give(image string) (string, error) {
	given := filepath.Join(c.folder, "image")
	if err := os.Rename(image, given); err != nil {
		return "", fmt.Errorf("prepare image: %w", err)
	}
	return given, nil
}

// end ends the child if it still lives, and removes what it had.
func (c *child) end() {
	c.process.Stop()
	_ = os.RemoveAll(c.folder) // what is left is removed with the worker's folder
}

// startChild starts a child, which is confined before it gets an image.
func (a *Analyzer) startChild() (*child, error) {
	return a.startWith(inspect.Setup{Content: a.content, Limits: a.limits.ofChild(), Version: syftVersion()})
}

func (a *Analyzer) startWith(setup inspect.Setup) (*child, error) {
	folder, err := a.scratch.New("child")
	if err != nil {
		return nil, err
	}
	started := &child{folder: folder}
	if err = os.Mkdir(started.work(), 0o700); err == nil {
		setup.Folder = folder
		err = inspect.WriteJSON(started.work(), inspect.SetupFile, setup)
	}
	if err == nil {
		started.process, err = a.sandbox.Start(a.command(started.work()))
	}
	if err != nil {
		return nil, fmt.Errorf("prepare analysis: %w", errors.Join(err, os.RemoveAll(folder)))
	}
	return started, nil
}

func (a *Analyzer) command(folder string) sandbox.Command {
	return sandbox.Command{Args: []string{ChildArgument}, Folder: folder, Limits: a.limits.ofChild()}
}

// children are those that wait for an image.
type children struct {
	start func() (*child, error)
	keep  int // how many may wait

	mu      sync.Mutex
	waiting []*child
	closed  bool
}

// take is a child for one image: one that waits, or a new one.
func (c *children) take() (*child, error) {
	for {
		waiting := c.next()
		if waiting == nil {
			return c.start()
		}
		if waiting.process.Lives() {
			return waiting, nil
		}
		waiting.end()
	}
}

func (c *children) next() *child {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.waiting) - 1
	if last < 0 {
		return nil
	}
	next := c.waiting[last]
	c.waiting = c.waiting[:last]
	return next
}

// release takes back a child. One that got no image waits for the next; another one
// takes the place of one that did.
func (c *children) release(used *child) {
	if used.process.Lives() && c.add(used) {
		return
	}
	used.end()
	if c.wanted() {
		if another, err := c.start(); err == nil && !c.add(another) { // the next analysis reports an error
			another.end()
		}
	}
}

// add lets a child wait, if there is room for it.
func (c *children) add(idle *child) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.waiting) >= c.keep {
		return false
	}
	c.waiting = append(c.waiting, idle)
	return true
}

// wanted reports whether the next analysis would wait for its child.
func (c *children) wanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && c.keep > 0 && len(c.waiting) == 0
}

// close ends those that wait.
func (c *children) close() {
	c.mu.Lock()
	waiting := c.waiting
	c.waiting, c.closed = nil, true
	c.mu.Unlock()
	for _, each := range waiting {
		each.end()
	}
}
