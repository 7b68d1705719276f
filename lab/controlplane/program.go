package controlplane

import (
	"fmt"
	"os"
	"os/exec"
)

// program is a process that can be killed and started again.
type program struct {
	name, path string
	arguments  []string
	log        string // path of what it prints
	running    *exec.Cmd
	ended      chan struct{}
}

func (p *program) start(c *Cluster) {
	c.Helper()
	if p.running != nil {
		return
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	c.must(err)
	defer log.Close()
	command := exec.Command(p.path, p.arguments...)
	command.Stdout, command.Stderr, command.Dir = log, log, c.folder
	if err := command.Start(); err != nil {
		c.Fatalf("start %s: %v", p.name, err)
	}
	p.running, p.ended = command, make(chan struct{})
	go func(ended chan<- struct{}) {
		_ = command.Wait() // how it ended is in its log
		close(ended)
	}(p.ended)
}

func (p *program) kill() {
	if p.running == nil {
		return
	}
	_ = p.running.Process.Kill() // it may have ended
	<-p.ended
	p.running = nil
}

// tail is the end of what the program printed.
func (p *program) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return fmt.Sprint(err)
	}
	return lines(string(text), 20)
}
