package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The builds of the worker.
const (
	build     = "tagwatch-worker"
	nextBuild = "next/tagwatch-worker"
)

// install makes a directory of programs for tagwatch up: itself, and scripts that
// become the others. That of the worker leads it through the links and into its
// control group, and says which build it is.
func (w *world) install() error {
	if err := os.Mkdir(w.programs(), 0o755); err != nil {
		return err
	}
	program, err := os.ReadFile(filepath.Join(w.use.bin, "tagwatch"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.programs(), "tagwatch"), program, 0o755); err != nil {
		return err
	}
	if err := w.script("tagwatch-temporal", fmt.Sprintf("exec %s \"$@\"\n", filepath.Join(w.use.bin, "tagwatch-temporal"))); err != nil {
		return err
	}
	return w.useBuild(build)
}

func (w *world) programs() string { return filepath.Join(w.dir, "programs") }

// useBuild has the worker of the stack be another build when it starts next.
func (w *world) useBuild(name string) error {
	return w.script("tagwatch-worker", w.workerScript(name, worker))
}

// workerScript is a script that becomes a worker of a build, in the control group
// of a victim.
func (w *world) workerScript(name, victim string) string {
	var script strings.Builder
	if group := w.memory[victim]; group != nil {
		fmt.Fprintf(&script, "echo $$ > %s\n", group.Entrance())
	}
	for _, setting := range []string{"TEMPORAL_ADDRESS=" + w.links[temporal].Host(), "TAGWATCH_DATABASE_URL=" + w.databaseURL(), "TMPDIR=" + w.temporary()} {
		fmt.Fprintf(&script, "export '%s'\n", setting)
	}
	fmt.Fprintf(&script, "exec %s \"$@\"\n", filepath.Join(w.use.bin, name))
	return script.String()
}

// script replaces a script, which may be running.
func (w *world) script(name, content string) error {
	path := filepath.Join(w.programs(), name)
	if err := os.WriteFile(path+".new", []byte("#!/bin/sh\n"+content), 0o755); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// beside makes a worker of a build with further settings, in a data directory of
// its own.
func (w *world) beside(name, victim string, settings ...string) *besideWorker {
	return &besideWorker{log: w.log, make: func(ctx context.Context) *exec.Cmd {
		command := exec.CommandContext(ctx, "/bin/sh", "-c", w.workerScript(name, victim), victim)
		command.Env = append(w.stack.Command(ctx, "tagwatch").Env, append(settings,
			"TAGWATCH_LISTEN=127.0.0.1:0", "TAGWATCH_DATA_DIR="+filepath.Join(w.dir, victim))...)
		return command
	}}
}
