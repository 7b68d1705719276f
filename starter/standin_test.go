package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// standInTemporal is tagwatch-temporal as far as its parent sees it. What it does
// is written down in the data directory.
func standInTemporal() {
	var dir, port string
	for i, arg := range os.Args {
		switch arg {
		case "--data-dir":
			dir = filepath.Dir(os.Args[i+1])
		case "--port":
			port = os.Args[i+1]
		}
	}
	stopped := untilStopped() // before anybody can know the process and stop it
	note(dir, "temporal.pid", fmt.Sprint(os.Getpid()))
	if os.Getenv("STAND_IN") == "broken" {
		fmt.Fprintln(os.Stderr, "--port "+port+" cannot be used: address already in use")
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"address": "127.0.0.1:" + port, "ui": "http://127.0.0.1:9", "namespace": "default", "pid": os.Getpid()})
	<-stopped
	note(dir, "order", "temporal stopped")
}

// standInWorker is tagwatch-worker as far as its parent sees it.
func standInWorker() {
	dir := os.Getenv("TAGWATCH_DATA_DIR")
	stopped := untilStopped()
	note(dir, "worker.pid", fmt.Sprint(os.Getpid()))
	var settings []string
	for _, setting := range os.Environ() {
		if strings.HasPrefix(setting, "TAGWATCH_") || strings.HasPrefix(setting, "TEMPORAL_") {
			settings = append(settings, setting)
		}
	}
	note(dir, "worker.env", strings.Join(settings, "\n"))
	listener, err := net.Listen("tcp", os.Getenv("TAGWATCH_LISTEN"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer listener.Close()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"address": listener.Addr().String(), "pid": os.Getpid()})
	<-stopped
	note(dir, "order", "worker stopped")
}

// untilStopped receives when the process is asked to end, which from now on does
// not end it.
func untilStopped() <-chan os.Signal {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	return asked
}

// note adds a line to a file of the data directory.
func note(dir, name, line string) {
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer file.Close()
	fmt.Fprintln(file, line)
}
