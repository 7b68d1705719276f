package activities

import (
	"context"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// Packages reports what package registries have published; nil feeds where none is
// configured.
type Packages interface {
	NPM(ctx context.Context, names []string) (*policy.PackageFeed, error)
	Gems(ctx context.Context, names []string) (*policy.PackageFeed, error)
}

// putOff is how long an evaluation waits for a package registry.
const putOff = 5 * time.Minute

// askRegistries adds what the package registries know of the image's packages,
// where a rule of the bundle asks for it.
func (a *Activities) askRegistries(ctx context.Context, bundle *policy.Bundle, subject *policy.Input) (err error) {
	if uses(bundle, "npms") {
		subject.NPM, err = a.Packages.NPM(ctx, namesOf(subject.Inventory, "npm"))
	}
	if err == nil && uses(bundle, "ruby_gems") {
		subject.Gems, err = a.Packages.Gems(ctx, namesOf(subject.Inventory, "gem"))
	}
	return err
}

// uses reports whether a rule of the bundle is of that gate.
func uses(bundle *policy.Bundle, gate string) bool {
	for _, p := range bundle.Policies {
		for _, rule := range p.Rules {
			if strings.EqualFold(rule.Gate, gate) {
				return true
			}
		}
	}
	return false
}

func namesOf(inventory *sbom.Inventory, kind string) []string {
	var names []string
	for _, p := range inventory.Packages {
		if p.Type == kind {
			names = append(names, p.Name)
		}
	}
	return names
}
