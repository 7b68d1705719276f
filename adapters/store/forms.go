package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// SaveForms stores what registries say of digests.
func (s *Store) SaveForms(ctx context.Context, forms workload.Forms, asked time.Time) error {
	var rows [][]any
	for _, digest := range slices.Sorted(maps.Keys(forms)) {
		text, err := format(forms[digest])
		if err != nil {
			return err
		}
		rows = append(rows, []any{string(digest), text, toMicros(asked)})
	}
	return s.change(ctx, fmt.Sprintf("store what %d digests are", len(rows)), func(t tx) error {
		return t.insert(ctx, `reported_form (digest, form, asked)`, rows, `ON CONFLICT (digest) DO UPDATE SET form = excluded.form, asked = excluded.asked`)
	})
}

// forms are those of digests and of all that is in them.
func (t tx) forms(ctx context.Context, digests []image.Digest) (workload.Forms, error) {
	forms := workload.Forms{}
	for len(digests) > 0 {
		rows, err := allIn[struct{ Digest, Form string }](ctx, t, `SELECT digest, form FROM reported_form WHERE digest IN (?)`, digests)
		if err != nil {
			return nil, err
		}
		digests = nil
		for _, row := range rows {
			form, err := parse[workload.Form](row.Form)
			if err != nil {
				return nil, err
			}
			forms[image.Digest(row.Digest)] = form
		}
		for _, row := range rows {
			for _, part := range forms[image.Digest(row.Digest)].Parts {
				if _, read := forms[part.Digest]; !read && !slices.Contains(digests, part.Digest) {
					digests = append(digests, part.Digest)
				}
			}
		}
	}
	return forms, nil
}
