package anchore

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/operations"
)

// record is Anchore's record of a subscription: of a tag to one type of notification,
// which may be inactive, or of a watched repository.
type record struct {
	Key     string            `json:"subscription_key"`
	Type    notification.Type `json:"subscription_type"`
	Value   any               `json:"subscription_value"`
	Active  bool              `json:"active"`
	Account string            `json:"userId"`
	ID      string            `json:"subscription_id"`
	Created any               `json:"created_at"`
	Updated any               `json:"last_updated"`
}

func (c *call) recordOf(key string, t notification.Type) record {
	return record{Key: key, Type: t, Account: c.system.Account, ID: subscription.ID(c.system.Account, key, t)}
}

// tagRecords are those of the watched tags at a place. Each tag has a record for every
// type: the types that nobody is subscribed to are inactive.
func (c *call) tagRecords(within operations.Places) ([]record, error) {
	subs, err := operations.All(func(page operations.Page) ([]operations.Subscription, string, error) {
		list, err := operations.ListSubscriptions.Run(c, c.system, operations.SubscriptionsRequest{Places: within, Page: page})
		return list.Subscriptions, list.Next, err
	})
	if err != nil {
		return nil, err
	}
	var records []record
	for len(subs) > 0 {
		target, of := subs[0].Target, 0
		for of < len(subs) && subs[of].Target == target {
			of++
		}
		for _, t := range notification.DefaultTypes {
			r := c.recordOf(target.String(), t)
			if at := slices.IndexFunc(subs[:of], func(s operations.Subscription) bool { return s.Type == t }); at >= 0 {
				r.Active, r.Created, r.Updated = true, date(subs[at].Created), date(subs[at].Updated)
			} else {
				r.Created, r.Updated = date(subs[0].Created), date(subs[0].Updated)
			}
			records = append(records, r)
		}
		subs = subs[of:]
	}
	return records, nil
}

// repositoryRecords are those of the watched repositories.
func (c *call) repositoryRecords() ([]record, error) {
	found, err := operations.All(func(page operations.Page) ([]operations.Repository, string, error) {
		list, err := operations.ListRepositories.Run(c, c.system, operations.RepositoriesRequest{Page: page})
		return list.Repositories, list.Next, err
	})
	if err != nil {
		return nil, err
	}
	var records []record
	for _, r := range found {
		records = append(records, c.repositoryRecord(r.Repository, r.Tags, r.Listed, r.Checked))
	}
	return records, nil
}

// repositoryRecord has the watched tags, and the number of all tags, in a text of JSON,
// which clients read.
func (c *call) repositoryRecord(repository taglist.Repository, tags []string, listed int, checked time.Time) record {
	r := c.recordOf(repository.Name.String(), notification.RepoUpdate)
	value, _ := json.Marshal(map[string]any{"autosubscribe": slices.Contains(repository.Types, notification.TagUpdate), "repotags": append([]string{}, tags...), "tagcount": listed}) // strings and a number
	r.Value, r.Active, r.Created, r.Updated = string(value), true, date(checked), date(checked)
	return r
}

// records are those with a key and of a type, if they are given.
func (c *call) subscriptions(key string, t notification.Type) ([]record, error) {
	records := []record{}
	if t == "" || t == notification.RepoUpdate {
		found, err := c.repositoryRecords()
		if err != nil {
			return nil, err
		}
		records = append(records, found...)
	}
	keys := map[string]bool{key: true}
	if t != notification.RepoUpdate {
		within := operations.Places{}
		if key != "" {
			target, err := image.ParseTarget(key)
			if err != nil {
				return records, nil // nothing has such a key
			}
			for _, name := range target.Names() {
				keys[name.String()] = true
			}
			within.Repository = target.Reference.Repository.String()
		}
		found, err := c.tagRecords(within)
		if err != nil {
			return nil, err
		}
		records = append(records, found...)
	}
	if repository, err := image.ParseRepository(key); err == nil {
		for _, name := range repository.Names() {
			keys[name.String()] = true
		}
	}
	return slices.DeleteFunc(records, func(r record) bool { return key != "" && !keys[r.Key] || t != "" && r.Type != t }), nil
}

func listSubscriptions(c *call) (any, error) {
	t := notification.Type(c.parameter("subscription_type"))
	if t != "" && !slices.Contains(notification.Types, t) {
		return nil, invalid("invalid subscription_type " + string(t))
	}
	return c.subscriptions(c.parameter("subscription_key"), t)
}

func getSubscription(c *call) (any, error) {
	found, err := c.subscription()
	return []record{found}, err
}

// subscription is the one whose id is in the address.
func (c *call) subscription() (record, error) {
	id := c.r.PathValue("id")
	key, t, err := c.system.SubscriptionKey(c, id)
	if err != nil {
		return record{}, err
	}
	found := []record{}
	if key != "" {
		if found, err = c.subscriptions(key, t); err != nil {
			return record{}, err
		}
	}
	at := slices.IndexFunc(found, func(r record) bool { return r.ID == id })
	if at < 0 {
		return record{}, notFound("subscription not found: " + id)
	}
	return found[at], nil
}
