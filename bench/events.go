package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// sampled is how many workflows of a type are read to count their actions.
const sampled = 50

// runs are the workflows of one type.
type runs struct {
	count int
	ids   []execution
}

type execution struct{ id, run string }

// actions are the events that Temporal Cloud counts as actions, as far as histories show
// them: a marker stands for the local activities of one task. Heartbeats and queries are
// in no history.
var actions = []string{"WORKFLOW_EXECUTION_STARTED", "ACTIVITY_TASK_SCHEDULED", "TIMER_STARTED", "WORKFLOW_EXECUTION_SIGNALED",
	"UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", "WORKFLOW_EXECUTION_UPDATE_ACCEPTED", "MARKER_RECORDED", "START_CHILD_WORKFLOW_EXECUTION_INITIATED",
	"SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED"}

// runs counts the runs of each type of workflow so far.
func (w *world) runs(ctx context.Context) (map[string]*runs, error) {
	all := map[string]*runs{}
	for token := ""; ; {
		var page struct {
			Executions []struct {
				Execution struct{ WorkflowID, RunID string } `json:"execution"`
				Type      struct{ Name string }
			}
			NextPageToken string
		}
		if err := w.askTemporal(ctx, "workflows", url.Values{"pageSize": {"500"}, "nextPageToken": {token}}, &page); err != nil {
			return nil, err
		}
		for _, each := range page.Executions {
			of := all[each.Type.Name]
			if of == nil {
				of = &runs{}
				all[each.Type.Name] = of
			}
			of.count++
			of.ids = append(of.ids, execution{each.Execution.WorkflowID, each.Execution.RunID})
		}
		if token = page.NextPageToken; token == "" {
			return all, nil
		}
	}
}

// actionsOf is about how many events and actions the runs of a type have, by a sample of
// them: Temporal lists the events of ended runs only.
func (w *world) actionsOf(ctx context.Context, of *runs) (events, acted float64, err error) {
	step := max(1, len(of.ids)/sampled)
	seen, counted, read := 0, 0, 0
	for n := 0; n < len(of.ids); n += step {
		read++
		for token := ""; ; {
			var page struct {
				History       struct{ Events []struct{ EventType string } }
				NextPageToken string
			}
			query := url.Values{"execution.runId": {of.ids[n].run}, "nextPageToken": {token}}
			if err := w.askTemporal(ctx, "workflows/"+url.PathEscape(of.ids[n].id)+"/history", query, &page); err != nil {
				return 0, 0, err
			}
			seen += len(page.History.Events)
			for _, event := range page.History.Events {
				if slices.Contains(actions, strings.TrimPrefix(event.EventType, "EVENT_TYPE_")) {
					counted++
				}
			}
			if token = page.NextPageToken; token == "" {
				break
			}
		}
	}
	return float64(seen) / float64(read) * float64(of.count), float64(counted) / float64(read) * float64(of.count), nil
}

// count prints what Temporal keeps so far, and the size of the databases.
func (w *world) count(ctx context.Context) error {
	all, err := w.runs(ctx)
	if err != nil {
		return err
	}
	events, acted := 0.0, 0.0
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		had, did, err := w.actionsOf(ctx, all[kind])
		if err != nil {
			return err
		}
		fmt.Printf("%-44s %d runs, about %.0f events, %.0f actions\n", kind, all[kind].count, had, did)
		w.table.add(kind+": actions of a run", did/float64(all[kind].count), "actions", noBudget)
		events, acted = events+had, acted+did
	}
	w.table.add("events of a tag so far", events/float64(w.tags), "events", noBudget)
	w.table.add("actions of a tag so far", acted/float64(w.tags), "actions", noBudget)
	return w.sizes(ctx)
}

// sizes adds the bytes of both databases.
func (w *world) sizes(ctx context.Context) error {
	if w.database == nil {
		return filepath.WalkDir(w.stack.DataDir(), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".db" {
				return nil // it has just gone, or is none
			}
			info, err := entry.Info()
			if err == nil {
				w.table.add("size of "+entry.Name()+", of a tag", float64(info.Size())/1024/float64(w.tags), "KiB", noBudget)
			}
			return err
		})
	}
	db, err := w.open()
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT datname, pg_database_size(datname) FROM pg_database WHERE NOT datistemplate ORDER BY datname`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var size int64
		if err := rows.Scan(&name, &size); err != nil {
			return err
		}
		w.table.add("size of database "+name+", of a tag", float64(size)/1024/float64(w.tags), "KiB", noBudget)
	}
	return rows.Err()
}
