package subscription

import (
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Receiver is what filters let through of one notification.
type Receiver struct {
	filters []reasoned
	// exploited lets through what has become known to be exploited although it was
	// dropped for its severity, its scores or its fixes.
	exploited bool
	about     *filter.Notification
	scores    []float64 // thresholds of scores whose crossing is of interest
	nothing   bool      // the last content was not let through
	urgent    bool
	left      map[notification.Reason][]string
}

// reasoned is a filter, and why it drops what it does not select.
type reasoned struct {
	text   string
	reason notification.Reason
}

// filters are When, with MinSeverity and FixableOnly, which are short forms.
func (o Options) filters() (filters []reasoned) {
	if o.MinSeverity != "" {
		filters = append(filters, reasoned{"severity >= " + strings.ToLower(string(o.MinSeverity)), notification.BelowSeverity})
	}
	if o.FixableOnly {
		filters = append(filters, reasoned{"fixable", notification.NotFixable})
	}
	return append(filters, reasoned{o.When, notification.Filtered})
}

// NeedsScores reports whether the options, or a filter of the endpoints, need the
// probabilities of exploitation.
func (o Options) NeedsScores(endpoints []endpoint.Endpoint) bool {
	return o.EPSS > 0 || o.names(endpoints, "epss")
}

// NeedsPlaces reports whether a filter needs the places of packages.
func (o Options) NeedsPlaces(endpoints []endpoint.Endpoint) bool {
	return o.names(endpoints, "path") || o.names(endpoints, "layer")
}

// names reports whether the filter, or one of the endpoints, names the variable.
func (o Options) names(endpoints []endpoint.Endpoint, variable string) bool {
	in := func(text string) bool {
		e, err := filter.Stored(text)
		return err == nil && e.Names(variable)
	}
	return in(o.When) || slices.ContainsFunc(endpoints, func(e endpoint.Endpoint) bool { return in(e.When) })
}

// Thresholds are the probabilities of exploitation whose crossing the options ask for: EPSS,
// and those in When.
func (o Options) Thresholds() []float64 {
	thresholds := thresholdsIn(o.When)
	if o.EPSS > 0 {
		thresholds = append(thresholds, o.EPSS)
	}
	return thresholds
}

// EndpointThresholds are those in the filters of endpoints.
func EndpointThresholds(endpoints []endpoint.Endpoint) (thresholds []float64) {
	for _, e := range endpoints {
		thresholds = append(thresholds, thresholdsIn(e.When)...)
	}
	return thresholds
}

func thresholdsIn(when string) []float64 {
	if when == "" {
		return nil
	}
	e, err := filter.Stored(when)
	if err != nil {
		return nil // whoever applies it reports that
	}
	return slices.Clone(e.Thresholds())
}

// NewReceiver is what the filters of the options let through of a notification.
func NewReceiver(about filter.Notification, options Options) *Receiver {
	about.Labels = options.Labels
	return &Receiver{filters: options.filters(), exploited: !options.ExploitedFiltered, about: &about, scores: options.Thresholds(), left: map[notification.Reason][]string{}}
}

// At is what the filter of an endpoint lets through as well.
func (r *Receiver) At(e endpoint.Endpoint) *Receiver {
	return &Receiver{filters: append(slices.Clone(r.filters), reasoned{e.When, notification.Filtered}),
		exploited: r.exploited && !e.ExploitedFiltered, about: r.about, scores: append(slices.Clone(r.scores), thresholdsIn(e.When)...), left: map[notification.Reason][]string{}}
}

// Anywhere is what the filters of the options let through, with the scores that the filters of
// endpoints ask for.
func (r *Receiver) Anywhere(endpoints []endpoint.Endpoint) *Receiver {
	wider := *r
	wider.scores, wider.left = append(slices.Clone(r.scores), EndpointThresholds(endpoints)...), map[notification.Reason][]string{}
	return &wider
}

// Urgent reports that what was let through has news of exploitation.
func (r *Receiver) Urgent() bool { return r.urgent }

// Suppressed is what was left out, and why.
func (r *Receiver) Suppressed(t notification.Type) (suppressed []notification.Suppression) {
	for _, reason := range []notification.Reason{notification.BelowSeverity, notification.NotFixable, notification.Filtered, notification.BelowEPSS} {
		if names, left := r.left[reason]; left {
			suppressed = append(suppressed, notification.Suppress(t, reason, names...))
		}
	}
	return suppressed
}

// Content is what is let through of it; nil for nothing.
func (r *Receiver) Content(whole notification.Content) notification.Content {
	content := r.content(whole)
	r.nothing = content == nil
	return content
}

func (r *Receiver) content(whole notification.Content) notification.Content {
	if reason := r.drops(&filter.Facts{Notification: r.about}, false); reason != "" {
		r.left[reason] = nil
		return nil
	}
	if list, ok := whole.(notification.VulnerabilitiesChanged); ok {
		scored := list.Scored(r.scores)
		if scored.Empty() {
			r.left[notification.BelowEPSS] = nil
			return nil
		}
		whole = scored
	}
	if selectable, ok := whole.(notification.Selectable); ok {
		return selectable.Select(r.keep)
	}
	return whole
}

// keep implements notification.Keep. An updated finding is kept if it was selected
// before, too: that it no longer is, is news.
func (r *Receiver) keep(f vuln.Finding, change notification.Change, update *vuln.Update) bool {
	now := &filter.Facts{Notification: r.about, Finding: &filter.Finding{Finding: f, Change: change}}
	news := r.exploited && f.KnownExploited && change == notification.Added
	if update != nil {
		now.Finding.Aspects = update.Aspects
		news = r.exploited && update.BecameExploited()
	}
	reason := r.drops(now, news)
	if reason != "" && update != nil {
		before := &filter.Facts{Notification: r.about, Finding: &filter.Finding{Finding: update.Previous, Change: change, Aspects: update.Aspects}}
		if r.drops(before, false) == "" {
			reason = ""
		}
	}
	if reason != "" {
		r.left[reason] = append(r.left[reason], f.ID)
	}
	r.urgent = r.urgent || news && reason == ""
	return reason == ""
}

// drops is why the facts are not let through; "" if they are. News of exploitation is
// not dropped for what rates a finding, and nothing by a filter that cannot tell: that
// is no reason to lose it, nor to record nothing of the tag.
func (r *Receiver) drops(facts *filter.Facts, news bool) notification.Reason {
	for _, each := range r.filters {
		if each.text == "" {
			continue
		}
		e, err := filter.Stored(each.text)
		if err != nil {
			continue
		}
		selected, err := e.Matches(facts)
		if err == nil && !selected && news {
			selected, err = e.DropsByRating(facts)
		}
		if err == nil && !selected {
			return each.reason
		}
	}
	return ""
}

// Deliveries are those of a notification, which has the heading and what r lets
// through of the whole content (nothing, if it is for what filters of endpoints ask for), to whom the options route it: each with what the
// endpoint's filter lets through. They come with why the other endpoints get none.
func (a Audience) Deliveries(n notification.Notification, h notification.Heading, whole notification.Content, r *Receiver, options Options) ([]delivery.Delivery, []notification.Suppression, error) {
	names, suppressed := Route(options, n.Type, n.Subject, a.Endpoints)
	var deliveries []delivery.Delivery
	for _, d := range delivery.Deliveries(n, names, a.RetryWindow) {
		e := a.Endpoints[slices.IndexFunc(a.Endpoints, func(e endpoint.Endpoint) bool { return e.Name == d.Endpoint })]
		d.Urgent = r.urgent
		if e.When == "" && r.nothing {
			suppressed = append(suppressed, notification.Suppression{Type: n.Type, Endpoint: e.Name, Reason: notification.BelowEPSS})
			continue
		}
		if e.When != "" {
			cut := r.At(e)
			content := cut.Content(whole)
			if content == nil {
				suppressed = append(suppressed, notification.Suppression{Type: n.Type, Endpoint: e.Name, Reason: notification.Filtered, Detail: e.When})
				continue
			}
			part, err := notification.New(h, content)
			if err != nil {
				return nil, nil, err
			}
			d.Urgent, d.Cut = cut.urgent, &delivery.Cut{Summary: part.Summary, Payload: part.Payload}
		}
		deliveries = append(deliveries, d)
	}
	return deliveries, suppressed, nil
}
