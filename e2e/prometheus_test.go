package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// prometheus is one that watches a worker.
type prometheus struct{ address string }

// startPrometheus starts one with the alert rules of the repository.
func startPrometheus(t *testing.T, worker string) *prometheus {
	t.Helper()
	program := os.Getenv("TAGWATCH_TEST_PROMETHEUS")
	if program == "" {
		t.Fatal("TAGWATCH_TEST_PROMETHEUS is not set: make test sets it to the path of a Prometheus")
	}
	listener := made(net.Listen("tcp", "127.0.0.1:0"))(t)
	p := &prometheus{address: listener.Addr().String()}
	must(t, listener.Close())
	dir := t.TempDir()
	config := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\n"+
		"scrape_configs: [{job_name: tagwatch, static_configs: [{targets: [%q]}]}]\n",
		made(filepath.Abs("../deploy/prometheus/alerts.yml"))(t), worker)
	must(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600))
	command := exec.Command(program, "--config.file", filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", p.address)
	log := newLog(t)
	command.Stdout, command.Stderr = log, log
	must(t, command.Start())
	t.Cleanup(func() {
		must(t, command.Process.Signal(syscall.SIGTERM))
		_ = command.Wait() // it ends by the signal
	})
	p.eventually(t, "Prometheus is ready", func() bool {
		response, err := http.Get("http://" + p.address + "/-/ready")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return p
}

// get asks Prometheus' interface for something.
func (p *prometheus) get(t *testing.T, path string, data any) {
	t.Helper()
	response := made(http.Get("http://" + p.address + path))(t)
	defer response.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	must(t, json.NewDecoder(response.Body).Decode(&answer))
	if answer.Status != "success" {
		t.Fatalf("%s: %s", path, answer.Error)
	}
}

// eventually waits until something is so.
func (p *prometheus) eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !so() {
		select {
		case <-deadline:
			t.Fatalf("it never came to pass that %s", what)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
