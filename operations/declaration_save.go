package operations

import (
	"context"
	"slices"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/policy"
)

func (d declaring) save(ctx context.Context, c declaration.Change) error {
	if len(c.Fields) == 0 {
		return nil // adopted as it is
	}
	switch c.Kind {
	case declaration.OfEndpoint:
		if err := d.SaveEndpoint(ctx, *c.Declared.Endpoint, d.now); err != nil {
			return err
		}
		d.wakeEndpoint(ctx, c.Name)
	case declaration.OfPolicy:
		return d.saveBundle(ctx, c)
	case declaration.OfAcceptance:
		return d.accept(ctx, c)
	case declaration.OfRepository:
		return d.saveRepository(ctx, c)
	case declaration.OfSource:
		if err := d.SaveSource(ctx, *c.Declared.Source, d.now); err != nil {
			return err
		}
		d.wakeSource(ctx, c.Name)
	}
	return nil
}

func (d declaring) saveBundle(ctx context.Context, c declaration.Change) error {
	b, before := c.Declared.Bundle, declaration.Bundle{}
	if c.Stored != nil {
		before = *c.Stored.Bundle
	}
	if b.Hash != before.Hash {
		if err := d.SaveBundle(ctx, policy.StoredBundle{ID: b.ID, Name: b.Name, Hash: b.Hash, Document: b.Document, Note: "declared by " + d.plan.Owner}, d.now); err != nil {
			return err
		}
	}
	if b.Active || before.Active && !d.anotherActive(b.ID) {
		task, err := d.activate(ctx, b.ID) // or has the new content of the active one evaluated
		if err != nil {
			return err
		}
		d.done.Task = &task
	}
	return nil
}

// anotherActive reports whether the document declares that another bundle is active.
func (d declaring) anotherActive(id string) bool {
	return slices.ContainsFunc(d.plan.Changes, func(c declaration.Change) bool {
		return c.Declared != nil && c.Declared.Bundle != nil && c.Declared.Bundle.Active && c.Name != id
	})
}

// accept gives an acceptance another end, and makes a new one for another reason or owner.
// Only then the former one is revoked: the risk is accepted all the time.
func (d declaring) accept(ctx context.Context, c declaration.Change) (err error) {
	a := *c.Declared.Acceptance
	var former []int64
	fresh := c.Stored == nil
	if c.Stored != nil {
		before := c.Stored.Acceptance
		former = slices.Clone(c.Stored.Older)
		fresh = before.Reason != a.Reason || before.Owner != a.Owner
		switch {
		case fresh:
			former = append(former, before.ID)
		case !before.Until.Equal(a.Until):
			if _, err := d.ExtendAcceptance(ctx, before.ID, a.Until, d.by, d.now); err != nil {
				return err
			}
		}
	}
	if fresh {
		if a.Aliases, err = d.Aliases(ctx, a.Vulnerability); err != nil {
			return err
		}
		a.By, a.Created = d.by, d.now
		if _, err := d.Accept(ctx, []acceptance.Acceptance{a}); err != nil {
			return err
		}
	}
	for _, id := range former {
		if _, err := d.RevokeAcceptance(ctx, id, d.by, d.now); err != nil {
			return err
		}
	}
	return nil
}

func (d declaring) saveRepository(ctx context.Context, c declaration.Change) error {
	repository := *c.Declared.Repository
	if c.Stored != nil {
		repository.Name = c.Stored.Repository.Name // it may be watched under another of its names
	}
	if err := d.SaveRepository(ctx, repository, d.now); err != nil {
		return err
	}
	d.wakeRepository(ctx, repository.Name)
	return nil
}
