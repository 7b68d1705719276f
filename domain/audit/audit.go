// Package audit is the record of what people and programs changed: who, when, what, and
// how it was before and after, without secrets. Everything in it is pure.
package audit

import (
	"context"
	"encoding/json"
	"time"
)

// Actor is who changes something, and by which way.
type Actor struct {
	// Name is that of a token, or of the system's user who ran a command.
	Name string `json:"name"`
	Via  Via    `json:"via"`
}

// Via is a way by which changes come.
type Via string

// The ways.
const (
	CommandLine Via = "cli"     // a command with access to the database
	API         Via = "api"     // the HTTP API
	Anchore     Via = "anchore" // Anchore's API
	Folder      Via = "dir"     // the folder of documents that a worker applies
)

// Action is what was done, as the kind of its subject and a verb.
type Action string

// The actions.
const (
	SubscriptionCreate Action = "subscription.create"
	SubscriptionUpdate Action = "subscription.update"
	SubscriptionEnd    Action = "subscription.end"

	RepositoryWatch   Action = "repository.watch"
	RepositoryUpdate  Action = "repository.update"
	RepositoryUnwatch Action = "repository.unwatch"

	SourceWatch   Action = "source.watch"
	SourceUpdate  Action = "source.update"
	SourceConfirm Action = "source.confirm"
	SourceUnwatch Action = "source.unwatch"

	EndpointCreate  Action = "endpoint.create"
	EndpointUpdate  Action = "endpoint.update"
	EndpointDelete  Action = "endpoint.delete"
	EndpointEnable  Action = "endpoint.enable"
	EndpointDisable Action = "endpoint.disable"

	DeliveryRepeat Action = "delivery.repeat"

	PolicyCreate   Action = "policy.create"
	PolicyUpdate   Action = "policy.update"
	PolicyActivate Action = "policy.activate"
	PolicyDelete   Action = "policy.delete"

	AcceptanceCreate Action = "acceptance.create"
	AcceptanceExtend Action = "acceptance.extend"
	AcceptanceRevoke Action = "acceptance.revoke"

	OwnerClaim   Action = "owner.claim"   // by a declaration
	OwnerRelease Action = "owner.release" // of what it could not make

	FeedSync     Action = "feed.sync"
	FeedImport   Action = "feed.import"
	FeedRelease  Action = "feed.release"
	FeedRollback Action = "feed.rollback"

	TokenCreate Action = "token.create"
	TokenRevoke Action = "token.revoke"
)

// AboutTags reports whether the subjects of the action are tags and repositories. Those
// of others belong to the whole installation, whatever their names look like.
func (a Action) AboutTags() bool {
	switch a {
	case SubscriptionCreate, SubscriptionUpdate, SubscriptionEnd, RepositoryWatch, RepositoryUpdate, RepositoryUnwatch, DeliveryRepeat:
		return true
	}
	return false
}

// Change is what an Actor is about to do to a subject.
type Change struct {
	Action  Action
	Subject string
	Before  State // Absent for what is created
	After   State // Absent for what is removed
}

// Entry is a change that was recorded.
type Entry struct {
	ID      int64
	At      time.Time
	Actor   Actor
	Action  Action
	Subject string
	// Before and After are the fields that the change concerns, as JSON objects; nil where
	// the subject did not exist.
	Before, After json.RawMessage
}

// Filter selects entries.
type Filter struct {
	Since time.Time
	Who   string
	// Subject is exact, but for the platform of a tag; "" for any.
	Subject string
	// Before is the id that all have to be smaller than; zero for any.
	Before int64
	Limit  int
}

type actorKey struct{}

// As has changes that are made with the context be recorded as those of the actor. What
// is done without one is Tagwatch's own doing, which is not recorded.
func As(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// ActorOf is the actor of the context; the zero value for Tagwatch itself.
func ActorOf(ctx context.Context) Actor {
	actor, _ := ctx.Value(actorKey{}).(Actor)
	return actor
}
