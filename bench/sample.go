package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// sample is what the processes hold at one moment.
type sample struct {
	memory     map[string]int64
	files      map[string]int
	goroutines int64 // of the worker
	scratch    int64 // files in the data directory that are neither databases nor kept
}

func (w *world) sample() (sample, error) {
	used, err := w.usage()
	if err != nil {
		return sample{}, err
	}
	s := sample{memory: map[string]int64{}, files: map[string]int{}}
	for program, u := range used {
		s.memory[program], s.files[program] = u.Resident, u.Files
	}
	if s.goroutines, err = w.goroutines(); err != nil {
		return s, err
	}
	s.scratch, err = w.scratch()
	return s, err
}

// goroutines asks the worker.
func (w *world) goroutines() (int64, error) {
	answer, err := http.Get(w.stack.Metrics())
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), "go_goroutines "); found {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("the worker does not tell how many goroutines it has")
}

// scratch counts the files of the data directory outside of the store of layers,
// which is bounded by its size.
func (w *world) scratch() (n int64, err error) {
	err = filepath.WalkDir(w.stack.DataDir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // it has just gone
		}
		if entry.IsDir() && entry.Name() == "layers" {
			return filepath.SkipDir
		}
		if entry.Type().IsRegular() {
			n++
		}
		return nil
	})
	return n, err
}

// histories are the longest of those that grow with what happens, and how many
// runs were handed over to another.
func (w *world) histories(ctx context.Context) (longest, handed int, err error) {
	for _, id := range []string{"watch-registry:" + w.registry.Host(), "endpoint:receiver", "watch-tag:" + w.registry.Host() + "/" + turned + ":0"} {
		var described struct {
			Info struct{ HistoryLength string } `json:"workflowExecutionInfo"`
		}
		if err := w.askTemporal(ctx, "workflows/"+url.PathEscape(id), nil, &described); err != nil {
			return 0, 0, err
		}
		events, _ := strconv.Atoi(described.Info.HistoryLength) // none is none
		longest = max(longest, events)
	}
	var counted struct{ Count string }
	err = w.askTemporal(ctx, "workflow-count", url.Values{"query": {"ExecutionStatus = 'ContinuedAsNew'"}}, &counted)
	handed, _ = strconv.Atoi(counted.Count) // none is left out
	return longest, handed, err
}

// askTemporal asks the HTTP interface behind the Web UI.
func (w *world) askTemporal(ctx context.Context, path string, query url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.stack.UI+"/api/v1/namespaces/default/"+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask Temporal for %s: %s", path, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
