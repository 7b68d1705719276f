package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

type repositoryRow struct {
	Name     string
	Content  string
	Revision int64
	Listed   bool
	Tags     []byte
	Problem  string
	Checked  int64
}

const repositoryQuery = `SELECT name, content, revision, listed, tags, problem, checked FROM repository`

func (r repositoryRow) view() (watch.RepositoryView, error) {
	repository, err := parse[watch.Repository](r.Content)
	if err != nil {
		return watch.RepositoryView{}, err
	}
	tags, err := unpack[[]string](r.Tags)
	if err != nil {
		return watch.RepositoryView{}, err
	}
	problem, err := parseOptional[watch.Problem](r.Problem)
	return watch.RepositoryView{Repository: repository, State: watch.RepositoryState{Revision: r.Revision, Listed: r.Listed, Tags: tags,
		Problem: problem, Checked: moment(r.Checked)}}, err
}

// SaveRepository stores a watched repository, or new settings of one, which
// keeps its state.
func (s *Store) SaveRepository(ctx context.Context, repository watch.Repository, now time.Time) error {
	content, err := format(repository)
	if err != nil {
		return err
	}
	return s.change(ctx, "save repository "+repository.Name.String(), func(t tx) error {
		return t.run(ctx, `INSERT INTO repository (name, content, tags, created, updated) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET content = excluded.content, updated = excluded.updated`,
			repository.Name.String(), content, []byte{}, stamp(now), stamp(now))
	})
}

// Repository reads a watched repository and what was last recorded of it;
// fault.NotFound if it is not watched.
func (s *Store) Repository(ctx context.Context, name image.Repository) (watch.Repository, watch.RepositoryState, error) {
	var view watch.RepositoryView
	err := s.view(ctx, "read repository "+name.String(), func(t tx) (err error) {
		view, err = t.repository(ctx, name)
		return err
	})
	return view.Repository, view.State, err
}

func (t tx) repository(ctx context.Context, name image.Repository) (watch.RepositoryView, error) {
	row, found, err := first[repositoryRow](ctx, t, repositoryQuery+` WHERE name = ?`+t.locking, name.String())
	if err != nil {
		return watch.RepositoryView{}, err
	}
	if !found {
		return watch.RepositoryView{}, errNotWatched
	}
	return row.view()
}

var errNotWatched = fmt.Errorf("the repository is not watched: %w", fault.NotFound)

// Repositories lists the watched repositories by name.
func (s *Store) Repositories(ctx context.Context) ([]watch.Repository, error) {
	var repositories []watch.Repository
	err := s.view(ctx, "list repositories", func(t tx) error {
		contents, err := all[string](ctx, t, `SELECT content FROM repository ORDER BY name`)
		if err != nil {
			return err
		}
		repositories, err = convert(contents, parse[watch.Repository])
		return err
	})
	return repositories, err
}

// DeleteRepository ends watching a repository. The subscriptions that it brought
// stay until they are unsubscribed. fault.NotFound if it is not watched.
func (s *Store) DeleteRepository(ctx context.Context, name image.Repository) error {
	return s.change(ctx, "delete repository "+name.String(), func(t tx) error {
		n, err := t.exec(ctx, `DELETE FROM repository WHERE name = ?`, name.String())
		if err == nil && n == 0 {
			err = errNotWatched
		}
		return err
	})
}

// RecordRepository is Record for a watched repository. A decision of the stored
// Revision is written too: it may note a problem. State.Checked is taken as the
// time of the new subscriptions, and of Ended only the subscriptions end that
// the repository brought. fault.NotFound if it is not watched.
func (s *Store) RecordRepository(ctx context.Context, name image.Repository, decide func(watch.RepositoryView) (watch.RepositoryDecision, error)) error {
	return s.change(ctx, "record repository "+name.String(), func(t tx) error {
		view, err := t.repository(ctx, name)
		if err != nil {
			return err
		}
		if view.Endpoints, err = t.endpoints(ctx); err != nil {
			return err
		}
		change, err := decide(view)
		if err != nil || change.State.Revision < view.State.Revision {
			return err
		}
		return t.applyRepository(ctx, view.Repository, change)
	})
}

func (t tx) applyRepository(ctx context.Context, repository watch.Repository, change watch.RepositoryDecision) error {
	if err := t.saveRepositoryState(ctx, repository.Name, change.State); err != nil {
		return err
	}
	if err := t.subscribe(ctx, change.Subscribe, repository.Poll, change.State.Checked); err != nil {
		return err
	}
	for _, target := range change.Ended {
		if err := t.release(ctx, target, repository.Name, change.State.Checked); err != nil {
			return err
		}
	}
	return t.tell(ctx, change.Notifications, change.Deliveries)
}

// release ends the subscriptions of the target that the repository brought.
func (t tx) release(ctx context.Context, target image.Target, brought image.Repository, now time.Time) error {
	if _, err := t.watched(ctx, target); err != nil {
		return err
	}
	if err := t.run(ctx, `UPDATE subscription SET active = FALSE, updated = ? WHERE target = ? AND repository = ? AND active`,
		stamp(now), target.String(), brought.String()); err != nil {
		return err
	}
	_, err := t.forgetUnwatched(ctx, target)
	return err
}

func (t tx) saveRepositoryState(ctx context.Context, name image.Repository, state watch.RepositoryState) error {
	tags, err := pack(state.Tags)
	if err != nil {
		return err
	}
	problem, err := formatOptional(state.Problem)
	if err != nil {
		return err
	}
	return t.run(ctx, `UPDATE repository SET revision = ?, listed = ?, tags = ?, problem = ?, checked = ? WHERE name = ?`,
		state.Revision, state.Listed, tags, problem, stamp(state.Checked), name.String())
}
