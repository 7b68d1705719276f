package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tagwatch/tagwatch/adapters/documents"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
)

const (
	// configurationPace is how often the folder of documents is checked for changes.
	configurationPace = 5 * time.Second
	// configurationSettles is how long a folder must be the same before it is applied: a
	// checkout writes one file after the other.
	configurationSettles = 2 * time.Second
	// taskPace is how often it is checked whether a task has ended.
	taskPace = time.Second
)

// configuration applies the folder of documents of --config-dir.
type configuration struct {
	settings config.Worker
	system   func() operations.System
}

// Version implements activities.Configuration.
func (c configuration) Version() string {
	_, version := c.read()
	return version
}

// read reads the documents and the bundles that they name. The version names what was
// read, and what could not be.
func (c configuration) read() (document operations.Declaration, version string) {
	document.Prune = c.settings.ConfigPrune
	sum := sha256.New()
	note := func(parts ...string) { fmt.Fprintf(sum, "%q\n", parts) }
	files, err := documents.Folder(c.settings.ConfigDir)
	if err != nil {
		note("error", err.Error())
	}
	for _, f := range files {
		document.Files = append(document.Files, operations.DeclarationFile{Name: f.Name, Content: string(f.Content)})
		note(f.Name, string(f.Content))
	}
	for _, named := range declaration.Bundles(files) {
		bundle := operations.DeclarationBundle{Document: named.From.File, File: named.File}
		content, err := documents.Bundle(named.From, named.File)
		if err != nil {
			bundle.Problem = err.Error()
		}
		bundle.Content = string(content)
		document.Bundles = append(document.Bundles, bundle)
		note(bundle.Document, bundle.File, bundle.Content, bundle.Problem)
	}
	return document, hex.EncodeToString(sum.Sum(nil))
}

// Apply implements activities.Configuration.
func (c configuration) Apply(ctx context.Context) (changes int, err error) {
	_, before := c.read()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(configurationSettles):
	}
	document, version := c.read()
	if version != before {
		return 0, fmt.Errorf("folder %s is being written: %w", c.settings.ConfigDir, errkind.Unavailable)
	}
	if err := c.check(ctx, document); err != nil {
		return 0, err
	}
	return c.apply(audit.As(ctx, audit.Actor{Name: "config-dir", Via: audit.Folder}), document)
}

// check refuses a folder that cannot be read as a whole, or is of another owner.
func (c configuration) check(ctx context.Context, document operations.Declaration) error {
	if len(document.Files) == 0 {
		_, err := documents.Folder(c.settings.ConfigDir)
		return err
	}
	for _, f := range document.Files {
		if !utf8.ValidString(f.Content) {
			return fmt.Errorf("file %s is not UTF-8 text: %w", f.Name, errkind.Invalid)
		}
	}
	system := c.system()
	plan, err := operations.PlanDeclaration.Run(ctx, &system, document)
	if err == nil && c.settings.ConfigOwner != "" && plan.Owner != c.settings.ConfigOwner {
		err = fmt.Errorf("the documents of %s have the owner %q, and --config-owner allows %q only: %w", c.settings.ConfigDir, plan.Owner, c.settings.ConfigOwner, errkind.Unauthorized)
	}
	return err
}

// apply applies a document in as many requests as it takes.
func (c configuration) apply(ctx context.Context, document operations.Declaration) (changes int, err error) {
	var refused []declaration.Key
	var says []string
	for more := true; more; {
		system := c.system()
		answer, err := operations.ApplyDeclaration.Run(ctx, &system, operations.DeclarationToApply{Declaration: document, Refused: refused})
		changes += len(answer.Applied)
		if err != nil {
			return changes, err
		}
		for _, each := range answer.Refused {
			refused = append(refused, each.Key)
			says = append(says, unapplied(each))
		}
		if answer.Stopped != nil {
			return changes, fmt.Errorf("%s: %w", unapplied(*answer.Stopped), errkind.Unavailable)
		}
		if answer.Task != nil {
			if err := c.await(ctx, answer.Task.ID); err != nil {
				return changes, err
			}
		}
		more = answer.More
	}
	if len(refused) > 0 {
		return changes, fmt.Errorf("%s not applied, and nothing was deleted: %s: %w", wording.Count(len(refused), "thing"), strings.Join(says[:min(len(says), mostSaid)], "; "), errkind.Conflict)
	}
	return changes, nil
}

// mostSaid bounds what is said of things that are not applied.
const mostSaid = 5

func unapplied(c operations.UnappliedChange) string {
	place := ""
	if c.Place != nil {
		place = c.Place.String() + ": "
	}
	return fmt.Sprintf("%s%s %s: %s", place, c.Kind, c.Name, errkind.Text(c.Problem.Err()))
}

// systemOf is what the operations of a folder work on: it may change everything.
func systemOf(settings config.Config, keeper *store.Store, reaching client.Client, now func() time.Time) operations.System {
	return operations.System{Account: settings.Account, Scope: token.Admin, Now: now(),
		Store: func(context.Context) (*store.Store, error) { return keeper, nil },
		Ask: func(ctx context.Context, _ string, limit time.Duration, request func(context.Context, client.Client) error) error {
			return client.Within(ctx, limit, func(ctx context.Context) error { return request(ctx, reaching) })
		}}
}

// await waits for the end of a task.
func (c configuration) await(ctx context.Context, id string) error {
	for {
		system := c.system()
		task, err := operations.ShowTask.Run(ctx, &system, operations.TaskRequest{ID: id})
		switch {
		case err != nil:
			return err
		case task.State == operations.TaskFailed && task.Failure != nil:
			return task.Failure
		case task.State == operations.TaskCompleted || task.State == operations.TaskFailed:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(taskPace):
		}
	}
}
