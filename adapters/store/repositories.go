package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

type repositoryRow struct {
	Name       string
	Content    string
	Edition    int64
	Revision   int64
	Listed     bool
	Tags       []byte
	ListedTags []byte `db:"listed_tags"`
	Applied    string
	Checked    int64
}

const repositoryQuery = `SELECT name, content, edition, revision, listed, tags, listed_tags, applied, checked FROM repository`

func (r repositoryRow) view() (taglist.View, error) {
	repository, err := parse[taglist.Repository](r.Content)
	if err != nil {
		return taglist.View{}, err
	}
	tags, err := unpack[[]string](r.Tags)
	if err != nil {
		return taglist.View{}, err
	}
	listedTags, err := unpack[[]string](r.ListedTags)
	if err != nil {
		return taglist.View{}, err
	}
	return taglist.View{Repository: repository, State: taglist.State{Edition: r.Edition, Revision: r.Revision, Listed: r.Listed, Tags: tags,
		ListedTags: listedTags, Applied: r.Applied, Checked: timeOf(r.Checked)}}, nil
}

// SaveRepository stores a watched repository, or new settings of one, which
// keeps its state.
func (s *Store) SaveRepository(ctx context.Context, repository taglist.Repository, now time.Time) error {
	content, err := format(repository)
	if err != nil {
		return err
	}
	return s.change(ctx, "save repository "+repository.Name.String(), func(t tx) error {
		edition, err := t.edit(ctx, "repository", repository.Name.String())
		if err != nil {
			return err
		}
		before, err := t.repositorySettings(ctx, repository.Name)
		if err != nil {
			return err
		}
		change := audit.Change{Action: audit.RepositoryUpdate, Subject: repository.Name.String(), Before: before, After: repositoryState(repository)}
		if !before.Exists() {
			change.Action = audit.RepositoryWatch
		}
		if err := t.note(ctx, now, change); err != nil {
			return err
		}
		return t.run(ctx, `INSERT INTO repository (name, content, edition, tags, created, updated) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET content = excluded.content, edition = excluded.edition, updated = excluded.updated`,
			repository.Name.String(), content, edition, []byte{}, toMicros(now), toMicros(now))
	})
}

// Repository reads a watched repository and what was last recorded of it;
// errkind.NotFound if it is not watched.
func (s *Store) Repository(ctx context.Context, name image.Repository) (taglist.Repository, taglist.State, error) {
	var view taglist.View
	err := s.view(ctx, "read repository "+name.String(), func(t tx) (err error) {
		view, err = t.repository(ctx, name)
		return err
	})
	return view.Repository, view.State, err
}

func (t tx) repository(ctx context.Context, name image.Repository) (taglist.View, error) {
	row, found, err := first[repositoryRow](ctx, t, repositoryQuery+` WHERE name = ?`+t.locking, name.String())
	if err != nil {
		return taglist.View{}, err
	}
	if !found {
		return taglist.View{}, errNotWatched
	}
	view, err := row.view()
	if err == nil {
		view.State.Problem, err = t.shown(ctx, condition.Unlistable, condition.Repository, name.String())
	}
	return view, err
}

var errNotWatched = fmt.Errorf("the repository is not watched: %w", errkind.NotFound)

// Repositories lists the watched repositories by name.
func (s *Store) Repositories(ctx context.Context) (repositories []taglist.Repository, err error) {
	err = s.view(ctx, "list repositories", func(t tx) (err error) {
		repositories, err = t.repositories(ctx)
		return err
	})
	return repositories, err
}

func (t tx) repositories(ctx context.Context) ([]taglist.Repository, error) {
	contents, err := all[string](ctx, t, `SELECT content FROM repository ORDER BY name`)
	if err != nil {
		return nil, err
	}
	return convert(contents, parse[taglist.Repository])
}

// WatchedAs are the watched repositories that are the same as one, under any of its
// names.
func (s *Store) WatchedAs(ctx context.Context, name image.Repository) (repositories []taglist.Repository, err error) {
	err = s.view(ctx, "find other names of repository "+name.String(), func(t tx) error {
		contents, err := allIn[string](ctx, t, `SELECT content FROM repository WHERE name IN (?) ORDER BY name`, namesOf(name.Names()))
		if err == nil {
			repositories, err = convert(contents, parse[taglist.Repository])
		}
		return err
	})
	return repositories, err
}

// WatchedNames are the names by which targets of a repository are watched, where
// these are not the repository's own: a target that is watched under both is left out.
func (s *Store) WatchedNames(ctx context.Context, name image.Repository) (watched map[image.Target]image.Target, err error) {
	err = s.view(ctx, "find tags of "+name.String()+" under other names", func(t tx) (err error) {
		watched, err = t.watchedNames(ctx, name)
		return err
	})
	return watched, err
}

func (t tx) watchedNames(ctx context.Context, name image.Repository) (map[image.Target]image.Target, error) {
	others := slices.DeleteFunc(name.Names(), func(other image.Repository) bool { return other == name })
	texts, err := allIn[string](ctx, t, `SELECT name FROM target WHERE repository IN (?) ORDER BY name`, namesOf(others))
	if err != nil {
		return nil, err
	}
	found, err := convert(texts, image.ParseTarget)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	watched := map[image.Target]image.Target{}
	for _, as := range found {
		own := as
		own.Reference.Repository = name
		if _, several := watched[own]; !several {
			watched[own] = as
		}
	}
	texts, err = allIn[string](ctx, t, `SELECT name FROM target WHERE name IN (?)`, namesOf(slices.Collect(maps.Keys(watched))))
	if err != nil {
		return nil, err
	}
	owned, err := convert(texts, image.ParseTarget)
	for _, own := range owned {
		delete(watched, own)
	}
	return watched, err
}

// repositorySettings are those of a watched repository, for the audit trail.
func (t tx) repositorySettings(ctx context.Context, name image.Repository) (audit.State, error) {
	content, found, err := first[string](ctx, t, `SELECT content FROM repository WHERE name = ?`+t.locking, name.String())
	if err != nil || !found {
		return audit.Absent, err
	}
	repository, err := parse[taglist.Repository](content)
	return repositoryState(repository), err
}

// repositoryState is in the words of documents.
func repositoryState(r taglist.Repository) audit.State {
	written := declaration.RepositoryOf(r)
	written.Types = r.Types // all types, too
	shown := written
	shown.Options = r.Options.WithoutDockerfile()
	return audit.Hiding(written, shown)
}

// DeleteRepository ends watching a repository. The subscriptions that it brought
// stay until they are unsubscribed. errkind.NotFound if it is not watched.
func (s *Store) DeleteRepository(ctx context.Context, name image.Repository, now time.Time) error {
	return s.change(ctx, "delete repository "+name.String(), func(t tx) error {
		if _, err := t.edit(ctx, "repository", name.String()); err != nil {
			return err
		}
		before, err := t.repositorySettings(ctx, name)
		if err != nil {
			return err
		}
		if err := t.note(ctx, now, audit.Change{Action: audit.RepositoryUnwatch, Subject: name.String(), Before: before}); err != nil {
			return err
		}
		n, err := t.exec(ctx, `DELETE FROM repository WHERE name = ?`, name.String())
		if err != nil {
			return err
		}
		if n == 0 {
			return errNotWatched
		}
		if err := t.disown(ctx, declaration.KeyOfRepository(name)); err != nil {
			return err
		}
		return t.forgetConditions(ctx, condition.Repository, name.String())
	})
}
