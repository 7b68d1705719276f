package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// busy is an installation on which the same happens every day.
type busy struct {
	*testing.T
	*store.Store
	day      int
	build    string
	revision int64
}

const (
	dayLong   = 24 * 60 // in minutes
	retention = 30      // days
)

// TestMonths lets months pass and counts the rows of every table there is: what
// happens every day must leave as much after twice the time.
func TestMonths(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		b := &busy{T: t, Store: open(t, url)}
		check(t, b.SaveEndpoint(t.Context(), newEndpoint("pager"), start))
		check(t, b.SaveEndpoint(t.Context(), newEndpoint("disabled"), start))
		check(t, b.SetEndpointState(t.Context(), "disabled", delivery.EndpointState{Disabled: true}))
		period := 90
		if testing.Short() { // long enough to outlive the retention
			period = 2*retention + 10
		}
		b.live(period)
		early := rows(t, url)
		b.live(period)
		for table, late := range rows(t, url) {
			if before := early[table]; late > before+before/10+2 {
				t.Errorf("%s grew from %d rows to %d", table, before, late)
			}
		}
		if early["attempt"] == 0 || early["finding"] == 0 || early["bundle_content"] == 0 || early["subscription"] == 0 {
			t.Errorf("nothing happened: %v", early)
		}
	})
}

func (b *busy) live(days int) {
	b.Helper()
	for range days {
		b.data()
		b.policy()
		b.move("app:stays")
		b.come("app:visitor")
		b.deliver()
		_, err := b.Prune(b.Context(), at((b.day-retention)*dayLong), b.now())
		check(b.T, err)
		b.day++
	}
}

func (b *busy) now() time.Time { return at(b.day * dayLong) }

// data moves to another build; every tenth is rolled back.
func (b *busy) data() {
	next := fmt.Sprintf("sha256:g%d", b.day)
	check(b.T, b.SaveSums(b.Context(), next, []byte("sums")))
	check(b.T, b.SaveBuild(b.Context(), build(next), "", nil, b.now()))
	update := databuild.Advance{From: b.build, To: next, Matcher: matcher, FromEngine: matcher, Watermark: 1 << 40}
	if b.day%10 == 9 {
		update.Leave = databuild.Rejected
	}
	if b.build == "" {
		update.FromEngine = ""
	}
	found := map[int64][]vuln.GroupFinding{}
	for name, id := range groupIDs(b.T, b.Store) {
		found[id] = []vuln.GroupFinding{finding(fmt.Sprintf("CVE-%d", b.day), name, vuln.High)}
	}
	_, err := move(b.T, b.Store, update, found, b.now())
	check(b.T, err)
	b.build = next
}

func (b *busy) policy() {
	hash := fmt.Sprintf("b%d", b.day)
	check(b.T, b.SaveBundle(b.Context(), policy.StoredBundle{ID: "production", Name: "production", Hash: hash, Document: []byte(hash)}, b.now()))
	_, err := b.ActivateBundle(b.Context(), "production", b.now())
	check(b.T, err)
}

// move has a tag point to a new image with a new package, and tells of it.
func (b *busy) move(name string) {
	b.Helper()
	app, digest := target(b.T, name), digest(1000+b.day)
	check(b.T, b.Subscribe(b.Context(), []subscription.Subscription{newSubscription(app, notification.VulnUpdate)}, time.Hour, b.now()))
	ids := analyzed(b.T, b.Store, digest, b.now(), "shared", fmt.Sprintf("package-%d", b.day))
	save(b.T, b.Store, b.build, ids, fmt.Sprintf("CVE-%d", b.day))
	b.revision++
	notified := newNotification(fmt.Sprintf("%s-%d", name, b.day), b.day*dayLong)
	check(b.T, b.Record(b.Context(), app, func(view watch.RecordView) (watch.Decision, error) {
		state := view.State
		state.Revision++
		state.Resolved, state.Analyzed, state.Matched = image.Resolved{Manifest: digest}, digest, true
		state.Basis = watch.Basis{Build: b.build, Matcher: matcher, Bundle: fmt.Sprintf("b%d", b.day)}
		state.Evaluation = &watch.Evaluation{Digest: digest, Bundle: state.Basis.Bundle, Status: policy.Pass, Document: []byte("{}")}
		return watch.Decision{State: state, Notifications: []notification.Notification{notified}, Deliveries: b.deliveries(notified)}, nil
	}))
}

func (b *busy) deliveries(notified notification.Notification) (deliveries []delivery.Delivery) {
	for _, name := range []string{"pager", "disabled"} {
		deliveries = append(deliveries, delivery.Delivery{Notification: notified.ID, Endpoint: name, State: delivery.Pending,
			Created: b.now(), NextTry: b.now(), Deadline: b.now().Add(75 * time.Hour)})
	}
	return deliveries
}

// come watches a tag for a day.
func (b *busy) come(name string) {
	b.Helper()
	visitor := target(b.T, fmt.Sprintf("%s-%d", name, b.day))
	subscribe(b.T, b.Store, visitor)
	err := b.Note(b.Context(), visitor, b.now(), nil)
	check(b.T, err)
	_, err = b.Unsubscribe(b.Context(), visitor, nil, b.now())
	check(b.T, err)
}

// deliver delivers what is due at the endpoint that is not disabled, at the
// second attempt.
func (b *busy) deliver() {
	due, err := b.DueDeliveries(b.Context(), "pager", b.now(), 100)
	check(b.T, err)
	for _, d := range due {
		for n := 1; n <= 2; n++ {
			d.Delivery.Attempts = n
			if n == 2 {
				d.Delivery.State = delivery.Delivered
			}
			check(b.T, b.RecordAttempts(b.Context(), []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: d.Delivery.ID, Number: n, At: b.now()}, Next: d.Delivery}}))
		}
	}
}

// rows counts the rows of every table that the database has.
func rows(t *testing.T, url string) map[string]int {
	t.Helper()
	driver, address, tables := "postgres", url, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	if file, found := strings.CutPrefix(url, "sqlite://"); found {
		driver, address, tables = "sqlite", file, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	}
	db := must[*sqlx.DB](t)(sqlx.Open(driver, address))
	defer db.Close()
	var names []string
	check(t, db.Select(&names, tables))
	counts := map[string]int{}
	for _, name := range names {
		var n int
		check(t, db.Get(&n, "SELECT count(*) FROM "+name))
		counts[name] = n
	}
	return counts
}
