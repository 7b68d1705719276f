package vuln

import (
	"fmt"
	"time"
)

// ConditionKind names what is wrong with the data in use, or with its future.
type ConditionKind string

// The kinds.
const (
	BuildOutdated       ConditionKind = "data.outdated"
	BuildAhead          ConditionKind = "data.ahead"
	ProviderOutdated    ConditionKind = "provider.outdated"
	ProviderAhead       ConditionKind = "provider.ahead"
	ProviderUndated     ConditionKind = "provider.undated"
	ScoresOutdated      ConditionKind = "scores.outdated"
	ScoresAhead         ConditionKind = "scores.ahead"
	SourceDeprecated    ConditionKind = "source.deprecated"
	SourceEndOfLife     ConditionKind = "source.eol"
	SourceNotUnderstood ConditionKind = "source.unknown_status"
)

// ConditionKinds are all of them.
var ConditionKinds = []ConditionKind{BuildOutdated, BuildAhead, ProviderOutdated, ProviderAhead, ProviderUndated, ScoresOutdated, ScoresAhead,
	SourceDeprecated, SourceEndOfLife, SourceNotUnderstood}

// Condition is something that people have to know about the data in use. Two with
// the same Kind and Provider are the same condition.
type Condition struct {
	Kind     ConditionKind
	Provider string    `json:",omitempty"` // "" for the data as a whole
	Text     string    // for people; the same for as long as the data is
	Since    time.Time // when it was found
}

// same reports whether two are the same condition, at different times.
func (c Condition) same(other Condition) bool {
	return c.Kind == other.Kind && c.Provider == other.Provider
}

// providerLag is how much older than the build a provider's data may be without
// being checked by itself: until then the age of the build says enough.
const providerLag = 24 * time.Hour

// Conditions judges every date of the data in use, in both directions, and the
// status that its publisher states. Data may be as old as maxAge; zero for any
// age. For given data, a condition of age never ends.
func Conditions(current Description, status Lifecycle, maxAge time.Duration, now time.Time) []Condition {
	var found []Condition
	if current.Checksum != "" {
		judge := dates{current.Built, maxAge, now}
		found = append(found, judge.build()...)
		for _, p := range current.Providers {
			found = append(found, judge.provider(p)...)
		}
		found = append(found, judge.scores(current.Scored)...)
	}
	return append(found, statusCondition(status, now)...)
}

// dates judges the dates of one build.
type dates struct {
	built  time.Time
	maxAge time.Duration
	now    time.Time
}

func (d dates) condition(kind ConditionKind, provider, format string, arguments ...any) []Condition {
	return []Condition{{Kind: kind, Provider: provider, Text: fmt.Sprintf(format, arguments...), Since: d.now}}
}

func (d dates) old(t time.Time) bool { return d.maxAge > 0 && d.now.Sub(t) > d.maxAge }

// lags reports whether data of that time is too old although, or before, the build
// as a whole is.
func (d dates) lags(t time.Time) bool { return d.old(t) && d.built.Sub(t) > providerLag }

func (d dates) build() []Condition {
	switch {
	case ahead(d.built, d.now):
		return d.condition(BuildAhead, "", "vulnerability data in use was built %s, which was in the future when it was checked", instant(d.built))
	case d.old(d.built):
		return d.condition(BuildOutdated, "", "vulnerability data of %s is older than %s", instant(d.built), days(d.maxAge))
	}
	return nil
}

func (d dates) provider(p ProviderState) []Condition {
	switch {
	case p.Captured.IsZero():
		return d.condition(ProviderUndated, p.Name, "provider %s: the data does not say when it was captured", p.Name)
	case ahead(p.Captured, d.now):
		return d.condition(ProviderAhead, p.Name, "provider %s: captured %s, which was in the future when it was checked", p.Name, instant(p.Captured))
	case d.lags(p.Captured):
		return d.condition(ProviderOutdated, p.Name, "provider %s: captured %s, which is older than %s", p.Name, instant(p.Captured), days(d.maxAge))
	}
	return nil
}

// scores judges the day of the EPSS scores, which have a date of their own.
func (d dates) scores(day time.Time) []Condition {
	switch {
	case day.IsZero():
		return nil
	case ahead(day, d.now):
		return d.condition(ScoresAhead, "", "EPSS scores are of %s, which was in the future when it was checked", instant(day))
	case d.lags(day.AddDate(0, 0, 1)): // they hold for the whole day
		return d.condition(ScoresOutdated, "", "EPSS scores of %s are older than %s", day.UTC().Format(time.DateOnly), days(d.maxAge))
	}
	return nil
}

// statusCondition judges what the publisher says about the data's future.
func statusCondition(status Lifecycle, now time.Time) []Condition {
	const says = "the publisher of the vulnerability data says "
	switch status {
	case "", LifecycleActive, LifecycleUnstated:
		return nil
	case LifecycleDeprecated:
		return []Condition{{Kind: SourceDeprecated, Since: now, Text: says + `"deprecated": this version of Tagwatch will soon get no more data; update it`}}
	case LifecycleEndOfLife:
		return []Condition{{Kind: SourceEndOfLife, Since: now, Text: says + `"eol": this version of Tagwatch gets no more data; update it`}}
	default:
		return []Condition{{Kind: SourceNotUnderstood, Since: now,
			Text: fmt.Sprintf("%s%q, a status that this version of Tagwatch does not know; update it", says, status)}}
	}
}

// days writes a duration as people configure it.
func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

// Follow carries on what was found before: a condition that persists keeps its
// Since. Began are those that are new, ended those that are gone.
func Follow(before, found []Condition) (now, began, ended []Condition) {
	for _, c := range found {
		if at := index(before, c); at >= 0 {
			c.Since = before[at].Since
		} else {
			began = append(began, c)
		}
		now = append(now, c)
	}
	for _, c := range before {
		if index(found, c) < 0 {
			ended = append(ended, c)
		}
	}
	return now, began, ended
}

func index(list []Condition, c Condition) int {
	for i := range list {
		if list[i].same(c) {
			return i
		}
	}
	return -1
}
