package notifications

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// subscribable are the types that somebody can miss.
var subscribable = append(slices.Clone(notification.TagTypes), notification.RepoUpdate)

// silentView is why something was not notified, for programs.
type silentView struct {
	Subject string            `json:"subject"`
	Type    notification.Type `json:"type"`
	Now     []suppressionView `json:"now"`       // what keeps the next one from being sent
	Past    []suppressionView `json:"decisions"` // newest first
}

// suppressionView is one reason, for programs.
type suppressionView struct {
	At time.Time `json:"at,omitzero"`
	notification.Suppression
	Remedy string `json:"remedy,omitempty"`
}

func explainNot(ctx context.Context, s *session.Session) error {
	t := notification.Type(s.String("not"))
	if !slices.Contains(subscribable, t) {
		return exit.Usage("invalid value %q for --not: expected one of %s", t, wording.List(subscribable))
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	subject, subs, problem, err := subscribed(ctx, s, t)
	if err != nil {
		return err
	}
	endpoints, err := kept.Endpoints(ctx)
	if err != nil {
		return err
	}
	if name := s.String("endpoint"); name != "" && !slices.ContainsFunc(endpoints, func(e endpoint.Endpoint) bool { return e.Name == name }) {
		return exit.Refused("endpoint %q not found; see: tagwatch endpoint list", name)
	}
	view := silentView{Subject: subject, Type: t, Now: []suppressionView{}, Past: []suppressionView{}}
	add := func(list *[]suppressionView, at time.Time, r notification.Suppression) {
		if name := s.String("endpoint"); r.Type == t && (name == "" || r.Endpoint == "" || r.Endpoint == name) {
			*list = append(*list, suppressionView{at, r, r.Remedy(subject)})
		}
	}
	if problem != nil {
		add(&view.Now, time.Time{}, notification.Suppression{Type: t, Reason: notification.Undetermined, Detail: problem.Message})
	}
	for _, r := range subscription.Obstacles(t, subject, subs, endpoints) {
		add(&view.Now, time.Time{}, r)
	}
	decisions, err := past(ctx, kept, t, subject, s.Now.Add(-s.Duration("since")))
	if err != nil {
		return err
	}
	for _, d := range decisions {
		add(&view.Past, d.At, d.Suppression)
	}
	return s.Show(view, func(w io.Writer) { writeSilent(s, w, view) })
}

// past is what was decided not to be notified, or notified and not delivered, the
// newest first.
func past(ctx context.Context, kept *store.Store, t notification.Type, subject string, since time.Time) ([]store.StoredSuppression, error) {
	found, err := kept.Suppressions(ctx, subject, since)
	if err != nil {
		return nil, err
	}
	deliveries, err := kept.Deliveries(ctx, store.DeliveryFilter{Type: t, Subject: subject, Since: since})
	for _, d := range deliveries {
		if r, suppressed := d.Suppressed(); suppressed {
			found = append(found, store.StoredSuppression{At: d.Created, Suppression: r})
		}
	}
	slices.SortStableFunc(found, func(a, b store.StoredSuppression) int { return b.At.Compare(a.At) })
	return found, err
}

// subscribed is the subject that the argument names, with its subscriptions, ended
// ones included, and with its problem.
func subscribed(ctx context.Context, s *session.Session, t notification.Type) (subject string, subs []subscription.Subscription, problem *condition.Problem, err error) {
	if t == notification.RepoUpdate {
		return subscribedRepository(ctx, s)
	}
	target, err := arguments.Target(s)
	if err != nil {
		return "", nil, nil, err
	}
	namesakes, err := s.Stored.Namesakes(ctx, target)
	if err != nil {
		return "", nil, nil, err
	}
	if len(namesakes) > 0 && !slices.Contains(namesakes, target) {
		target = namesakes[0] // the name by which it is watched
	}
	if subs, err = s.Stored.Subscriptions(ctx, subscription.Filter{Target: &target, Type: t}); err != nil {
		return "", nil, nil, err
	}
	state, err := s.Stored.Summary(ctx, target)
	if errors.Is(err, errkind.NotFound) {
		err = nil // which its subscriptions say
	}
	return target.String(), subs, state.Problem, err
}

func subscribedRepository(ctx context.Context, s *session.Session) (subject string, subs []subscription.Subscription, problem *condition.Problem, err error) {
	text, err := s.Argument("REPOSITORY")
	if err != nil {
		return "", nil, nil, err
	}
	name, err := image.ParseRepository(text)
	if err != nil {
		return "", nil, nil, exit.Unable(err)
	}
	repository, state, err := s.Stored.Repository(ctx, name)
	if errors.Is(err, errkind.NotFound) {
		return name.String(), nil, nil, nil
	}
	return name.String(), []subscription.Subscription{{Type: notification.RepoUpdate, Active: true, Options: repository.Options}}, state.Problem, err
}

func writeSilent(s *session.Session, w io.Writer, v silentView) {
	if len(v.Now)+len(v.Past) == 0 {
		s.Say("Nothing keeps %s about %s from being sent, and no decision within %s dropped one; see: tagwatch status %s",
			v.Type, v.Subject, s.Duration("since"), v.Subject)
		return
	}
	t := output.NewTable("TIME", "ENDPOINT", "REASON", "DETAIL", "REMEDY").Drop("DETAIL")
	for _, r := range slices.Concat(v.Now, v.Past) {
		when, style, endpoint := "now", output.Doubtful, r.Endpoint
		if !r.At.IsZero() {
			when, style = output.Stamp(r.At), output.Ordinary
		}
		if endpoint == "" {
			endpoint = "all"
		}
		t.Row(style, when, endpoint, string(r.Reason), output.Dash(r.Detail), output.Dash(r.Remedy))
	}
	t.Write(w)
}
