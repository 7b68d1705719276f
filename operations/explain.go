package operations

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ExplainNotification explains why a notification was sent.
var ExplainNotification = Operation[NotificationRequest, Explained]{Name: "explain-notification", Summary: "Explain why a notification was sent",
	Method: http.MethodGet, Path: "/notifications/{id}/explanation", Scope: token.Read, do: explainNotification}

// NotificationRequest names a notification by its id, or by a beginning of it that no
// other has.
type NotificationRequest struct {
	ID string `path:"id" maxLength:"64" doc:"Id of the notification, or a beginning of it that no other has." example:"2f6c4a0e-7d0b-5f44-9a3b-0f0f2d3f6a10"`
}

// Explained is a notification with its reason.
type Explained struct {
	ID      string             `json:"id"`
	Type    notification.Type  `json:"type"`
	Subject string             `json:"subject"`
	Created time.Time          `json:"created"`
	Cause   notification.Cause `json:"cause,omitempty"`
	Summary string             `json:"summary"`
	notification.Explanation
	Deliveries []Delivery `json:"deliveries"`
}

func explainNotification(ctx context.Context, s *System, request NotificationRequest) (Explained, error) {
	n, err := s.notification(ctx, request.ID)
	if err != nil {
		return Explained{}, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return Explained{}, err
	}
	explanation, err := notification.Explain(n.Notification)
	if err != nil {
		return Explained{}, err
	}
	if err := explainPin(ctx, kept, n.Notification, &explanation); err != nil {
		return Explained{}, err
	}
	explained := Explained{ID: n.ID, Type: n.Type, Subject: n.Subject, Created: n.Created, Cause: n.Cause, Summary: n.Summary,
		Explanation: explanation, Deliveries: []Delivery{}}
	found, err := kept.Deliveries(ctx, store.DeliveryFilter{Notification: n.ID})
	if err != nil {
		return Explained{}, err
	}
	for _, d := range found {
		shown, err := deliveryOf(ctx, kept, d, false)
		if err != nil {
			return Explained{}, err
		}
		explained.Deliveries = append(explained.Deliveries, shown)
	}
	return explained, nil
}

// explainPin adds that the tag left the digest that it was to point to.
func explainPin(ctx context.Context, kept *store.Store, n notification.Notification, explanation *notification.Explanation) error {
	target, err := image.ParseTarget(n.Subject)
	if n.Type != notification.TagUpdate || err != nil {
		return nil // other subjects have no pin
	}
	subs, err := kept.Subscriptions(ctx, subscription.Filter{Target: &target, Type: n.Type})
	if err != nil {
		return err
	}
	for _, sub := range subs {
		pin := sub.Options.Pin
		left := slices.ContainsFunc(explanation.Evidence, func(f notification.Fact) bool { return f.Before == string(pin) && f.Changed() })
		if pin != "" && left {
			explanation.Details = append([]string{"the tag left its pin " + string(pin)}, explanation.Details...)
		}
	}
	return nil
}

// ExplainSilence explains why no notification of a type was sent.
var ExplainSilence = Operation[SilenceRequest, Silence]{Name: "explain-silence", Summary: "Explain why no notification of a type was sent about a tag or repository",
	Method: http.MethodGet, Path: "/silence", Scope: token.Read, do: explainSilence}

// SilenceRequest names what is not notified.
type SilenceRequest struct {
	Type     notification.Type `query:"type" required:"true" maxLength:"40" doc:"Notification type." example:"vuln_update"`
	Ref      string            `query:"ref" required:"true" minLength:"1" maxLength:"600" doc:"The tag, or the repository for repo_update." example:"docker.io/library/nginx:1.27"`
	Platform string            `query:"platform" maxLength:"100" doc:"The os/arch that the tag is watched for; linux/amd64 by default."`
	Endpoint string            `query:"endpoint" maxLength:"63" doc:"Only what concerns this endpoint."`
	Since    time.Time         `query:"since" doc:"Only decisions made then or later; 7 days by default."`
}

// Silence is why something was not notified.
type Silence struct {
	Subject string            `json:"subject"`
	Type    notification.Type `json:"type"`
	Now     []Suppression     `json:"now"`       // what keeps the next one from being sent
	Past    []Suppression     `json:"decisions"` // newest first
}

// Suppression is one reason.
type Suppression struct {
	At time.Time `json:"at,omitzero"`
	notification.Suppression
	Remedy string `json:"remedy,omitempty"`
}

// Subscribable are the types that somebody can miss.
var Subscribable = append(slices.Clone(notification.TagTypes), notification.RepoUpdate)

// silenceSince is how far back decisions are listed unless the request says otherwise.
const silenceSince = 7 * 24 * time.Hour

func explainSilence(ctx context.Context, s *System, request SilenceRequest) (Silence, error) {
	none := Silence{}
	if err := oneOf("type", Subscribable, request.Type); err != nil {
		return none, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	about, err := s.subscribed(ctx, kept, request)
	if err != nil {
		return none, err
	}
	endpoints, err := kept.Endpoints(ctx)
	if err != nil {
		return none, err
	}
	if name := request.Endpoint; name != "" && !slices.ContainsFunc(endpoints, func(e endpoint.Endpoint) bool { return e.Name == name }) {
		return none, noEndpoint(name)
	}
	silence := Silence{Subject: about.subject, Type: request.Type, Now: []Suppression{}, Past: []Suppression{}}
	add := func(list *[]Suppression, at time.Time, r notification.Suppression) {
		if r.Endpoint != "" && !s.Bounds.Whole() {
			r.Detail = "" // settings and answers of an endpoint are not for those with bounds
		}
		if name := request.Endpoint; r.Type == request.Type && (name == "" || r.Endpoint == "" || r.Endpoint == name) {
			*list = append(*list, Suppression{at, r, r.Remedy(about.subject)})
		}
	}
	if about.problem != nil {
		add(&silence.Now, time.Time{}, notification.Suppression{Type: request.Type, Reason: notification.Undetermined, Detail: about.problem.Message})
	}
	for _, r := range subscription.Obstacles(request.Type, about.subject, about.subs, endpoints) {
		add(&silence.Now, time.Time{}, r)
	}
	since := request.Since
	if since.IsZero() {
		since = s.Now.Add(-silenceSince)
	}
	decisions, err := past(ctx, kept, request.Type, about.subject, since)
	if err != nil {
		return none, err
	}
	for _, d := range decisions {
		add(&silence.Past, d.At, d.Suppression)
	}
	return silence, nil
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

// silent is a subject with its subscriptions, ended ones included, and its problem.
type silent struct {
	subject string
	subs    []subscription.Subscription
	problem *condition.Problem
}

func (s *System) subscribed(ctx context.Context, kept *store.Store, request SilenceRequest) (silent, error) {
	if request.Type == notification.RepoUpdate {
		return s.subscribedRepository(ctx, kept, request.Ref)
	}
	target, err := TagRequest{Ref: request.Ref, Platform: request.Platform}.target()
	if err != nil {
		return silent{}, err
	}
	named, err := s.name(ctx, target)
	if err != nil {
		return silent{}, err
	}
	if target = named.Target; !s.Bounds.Include(target) {
		return silent{}, isNotWatched(target)
	}
	about := silent{subject: target.String()}
	if about.subs, err = kept.Subscriptions(ctx, subscription.Filter{Target: &target, Type: request.Type}); err != nil {
		return silent{}, err
	}
	state, err := kept.Summary(ctx, target)
	if errors.Is(err, errkind.NotFound) {
		err = nil // which its subscriptions say
	}
	about.problem = state.Problem
	return about, err
}

func (s *System) subscribedRepository(ctx context.Context, kept *store.Store, text string) (silent, error) {
	name, err := image.ParseRepository(text)
	if err != nil {
		return silent{}, refused(err)
	}
	if !s.Bounds.IncludeRepository(name) {
		return silent{}, notFound("", "%s is not watched", name)
	}
	repository, state, err := kept.Repository(ctx, name)
	if errors.Is(err, errkind.NotFound) {
		return silent{subject: name.String()}, nil
	}
	return silent{name.String(), []subscription.Subscription{{Type: notification.RepoUpdate, Active: true, Options: repository.Options}}, state.Problem}, err
}
