package operations

import (
	"context"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// ShowFeed shows the state of the vulnerability data.
var ShowFeed = Operation[FeedRequest, Feed]{Name: "show-feed", Summary: "Show the vulnerability data, its providers and problems",
	Method: http.MethodGet, Path: "/feed", Scope: token.Read, do: showFeed}

// FeedRequest asks for the state of the vulnerability data.
type FeedRequest struct{}

// Feed is the state of the vulnerability data.
type Feed struct {
	Current  *Build `json:"current"`
	Previous *Build `json:"previous,omitempty"`
	// Held is on hold; it is the previous one if the publisher went back.
	Held      *Build       `json:"held,omitempty"`
	Reasons   []string     `json:"held_because,omitempty"`
	HeldSince time.Time    `json:"held_since,omitzero"`
	Matcher   vuln.Matcher `json:"matcher,omitempty"`
	Checked   time.Time    `json:"checked,omitzero"`
	Problem   *Problem     `json:"problem,omitempty"`
	// Status is what the publisher's listing said last.
	Status     vuln.Lifecycle  `json:"publisher_status,omitempty"`
	Conditions []FeedCondition `json:"conditions"`
}

// FeedCondition is what is wrong with the current data or its future.
type FeedCondition struct {
	Kind     condition.Kind `json:"kind"`
	Provider string         `json:"provider,omitempty"`
	Text     string         `json:"text"`
	Since    time.Time      `json:"since"`
}

// Build is a build of the data.
type Build struct {
	Checksum       string     `json:"checksum"`
	URL            string     `json:"url,omitempty"`
	Built          time.Time  `json:"built"`
	Schema         string     `json:"schema"`
	Size           int64      `json:"size"`
	Providers      []Provider `json:"providers"`
	KnownExploited int        `json:"known_exploited"`
	Exploitability int        `json:"epss_scores"`
	Scored         time.Time  `json:"epss_date,omitzero"`
	EndOfLife      int        `json:"end_of_life_dates"`
}

// Provider is a provider's share of a build.
type Provider struct {
	Name     string    `json:"name"`
	Captured time.Time `json:"captured,omitzero"`
	Records  int       `json:"vulnerabilities"`
	Rows     int       `json:"package_statements"`
}

func showFeed(ctx context.Context, s *System, _ FeedRequest) (Feed, error) {
	feed, err := s.feed(ctx)
	return feedOf(feed), err
}

func feedOf(f databuild.Feed) Feed {
	shown := Feed{Current: buildOf(f.Current), Previous: buildOf(f.Previous), Held: buildOf(f.Held),
		Reasons: f.Reasons, HeldSince: f.HeldSince, Matcher: f.Matcher, Checked: f.Checked, Problem: ProblemOf(f.Problem), Status: f.Status,
		Conditions: []FeedCondition{}}
	for _, c := range f.Conditions {
		wrong := FeedCondition{Kind: c.Kind, Text: c.Message, Since: c.Since}
		if c.Name != condition.AllData {
			wrong.Provider = c.Name
		}
		shown.Conditions = append(shown.Conditions, wrong)
	}
	return shown
}

// buildOf is nil for nil.
func buildOf(d *vuln.Description) *Build {
	if d == nil {
		return nil
	}
	build := &Build{Checksum: d.Checksum, URL: d.URL, Built: d.Built, Schema: d.Schema, Size: d.Size, Providers: []Provider{},
		KnownExploited: d.Totals.KnownExploited, Exploitability: d.Totals.Exploitability, Scored: d.Scored, EndOfLife: d.Totals.EndOfLife}
	for _, p := range d.Providers {
		build.Providers = append(build.Providers, Provider(p))
	}
	return build
}
