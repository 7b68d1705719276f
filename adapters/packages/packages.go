// Package packages queries package registries for the published versions of the
// packages in images, for the gates npms and ruby_gems. It works with any registry
// that has the API of the public ones: npm's registry with abbreviated metadata, and
// for gems the versions of RubyGems' API.
//
//	names -> memory, while fresh -> GET, with the ETag of the remembered answer
//
// See https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md
// and https://guides.rubygems.org/rubygems-org-api/.
package packages

import (
	"cmp"
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/policy"
)

// Options configure Registries. Their zero values stand for the defaults.
type Options struct {
	// NPM and Gems are the registries' base URLs, http or https; "" for none.
	NPM, Gems string
	// CAFile holds certificates in PEM that are trusted beside the system's.
	CAFile string
	// UserAgent is the header of that name.
	UserAgent string
	// Fresh is how long an answer is used without a new request: an hour.
	// Stale is how long it is still used while the registry fails: a day.
	Fresh, Stale time.Duration
	// Timeout bounds one request: 30 seconds.
	Timeout time.Duration
	// MaxAnswer bounds the answer about one package, in bytes, unpacked: 64 MiB.
	MaxAnswer int64
	// MaxNames bounds the packages of one query: 10,000.
	MaxNames int
	// Connections bounds the concurrent requests to each registry: 8.
	Connections int
	// Memory bounds, in bytes, the remembered answers of each registry: 32 MiB.
	Memory int
}

func (o Options) withDefaults() Options {
	o.Fresh = cmp.Or(o.Fresh, time.Hour)
	o.Stale = cmp.Or(o.Stale, 24*time.Hour)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.MaxAnswer = cmp.Or(o.MaxAnswer, 64<<20)
	o.MaxNames = cmp.Or(o.MaxNames, 10_000)
	o.Connections = cmp.Or(o.Connections, 8)
	o.Memory = cmp.Or(o.Memory, 32<<20)
	return o
}

// Registries are the configured package registries. They are safe for concurrent
// use.
type Registries struct {
	npm, gems *registry // nil if not configured
}

// New checks the options. It does not connect.
func New(options Options) (*Registries, error) {
	options = options.withDefaults()
	npm, err := open("npm registry", options.NPM, npmDialect, options)
	if err != nil {
		return nil, err
	}
	gems, err := open("gem registry", options.Gems, gemDialect, options)
	if err != nil {
		return nil, err
	}
	return &Registries{npm: npm, gems: gems}, nil
}

// NPM returns what the npm registry publishes of the packages with these names. The
// result is nil, without an error, if no registry is configured. If the registry
// fails, and its earlier answers are too old, the error is errkind.Unavailable and
// the result nil: a partial result would look like removed packages.
func (r *Registries) NPM(ctx context.Context, names []string) (*policy.PackageFeed, error) {
	return r.npm.feed(ctx, names)
}

// Gems is NPM for gems.
func (r *Registries) Gems(ctx context.Context, names []string) (*policy.PackageFeed, error) {
	return r.gems.feed(ctx, names)
}
