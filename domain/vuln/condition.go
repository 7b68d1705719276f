package vuln

import (
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
)

// The kinds of conditions of the data in use.
const (
	BuildOutdated       condition.Kind = "data.outdated"
	BuildAhead          condition.Kind = "data.ahead"
	ProviderOutdated    condition.Kind = "provider.outdated"
	ProviderAhead       condition.Kind = "provider.ahead"
	ProviderUndated     condition.Kind = "provider.undated"
	ScoresOutdated      condition.Kind = "scores.outdated"
	ScoresAhead         condition.Kind = "scores.ahead"
	SourceDeprecated    condition.Kind = "source.deprecated"
	SourceEndOfLife     condition.Kind = "source.eol"
	SourceNotUnderstood condition.Kind = "source.unknown_status"
)

// ConditionKinds are all of them.
var ConditionKinds = []condition.Kind{BuildOutdated, BuildAhead, ProviderOutdated, ProviderAhead, ProviderUndated, ScoresOutdated, ScoresAhead,
	SourceDeprecated, SourceEndOfLife, SourceNotUnderstood}

// providerLag is how much older than the build a provider's data may be. Up to that, the
// age of the build says enough.
const providerLag = 24 * time.Hour

// Conditions judges every date of the data in use, in both directions, and its
// publisher's status. Data may be as old as maxAge; zero for any age. Messages hold no
// current time, so that the condition of one build keeps its message.
func Conditions(current Description, status Lifecycle, maxAge time.Duration, now time.Time) []condition.Found {
	var wrong []condition.Found
	if current.Checksum != "" {
		judge := dates{current.Built, maxAge, now}
		wrong = append(wrong, judge.build()...)
		for _, p := range current.Providers {
			wrong = append(wrong, judge.provider(p)...)
		}
		wrong = append(wrong, judge.scores(current.Scored)...)
	}
	return append(wrong, statusCondition(status)...)
}

type dates struct {
	built  time.Time
	maxAge time.Duration
	now    time.Time
}

// found is a condition of a provider, or of condition.AllData.
func found(kind condition.Kind, name, format string, arguments ...any) []condition.Found {
	return []condition.Found{{Key: condition.Key{Kind: kind, Resource: condition.Data, Name: name}, Message: fmt.Sprintf(format, arguments...)}}
}

func (d dates) old(t time.Time) bool { return d.maxAge > 0 && d.now.Sub(t) > d.maxAge }

// lags reports whether data of that time is too old by itself, not only as part of an
// old build.
func (d dates) lags(t time.Time) bool { return d.old(t) && d.built.Sub(t) > providerLag }

func (d dates) build() []condition.Found {
	switch {
	case ahead(d.built, d.now):
		return found(BuildAhead, condition.AllData, "vulnerability data in use was built %s, which was in the future when it was checked", instant(d.built))
	case d.old(d.built):
		return found(BuildOutdated, condition.AllData, "vulnerability data of %s is older than %s", instant(d.built), days(d.maxAge))
	}
	return nil
}

func (d dates) provider(p ProviderState) []condition.Found {
	switch {
	case p.Captured.IsZero():
		return found(ProviderUndated, p.Name, "provider %s: the data does not say when it was captured", p.Name)
	case ahead(p.Captured, d.now):
		return found(ProviderAhead, p.Name, "provider %s: captured %s, which was in the future when it was checked", p.Name, instant(p.Captured))
	case d.lags(p.Captured):
		return found(ProviderOutdated, p.Name, "provider %s: captured %s, which is older than %s", p.Name, instant(p.Captured), days(d.maxAge))
	}
	return nil
}

func (d dates) scores(day time.Time) []condition.Found {
	switch {
	case day.IsZero():
		return nil
	case ahead(day, d.now):
		return found(ScoresAhead, condition.AllData, "EPSS scores are of %s, which was in the future when it was checked", instant(day))
	case d.lags(day.AddDate(0, 0, 1)): // they hold for the whole day
		return found(ScoresOutdated, condition.AllData, "EPSS scores of %s are older than %s", day.UTC().Format(time.DateOnly), days(d.maxAge))
	}
	return nil
}

func statusCondition(status Lifecycle) []condition.Found {
	const says = "the publisher of the vulnerability data says "
	switch status {
	case "", LifecycleActive, LifecycleUnstated:
		return nil
	case LifecycleDeprecated:
		return found(SourceDeprecated, condition.AllData, says+`"deprecated": this version of Tagwatch will soon get no more data; update it`)
	case LifecycleEndOfLife:
		return found(SourceEndOfLife, condition.AllData, says+`"eol": this version of Tagwatch gets no more data; update it`)
	}
	return found(SourceNotUnderstood, condition.AllData, "%s%q, which this version of Tagwatch does not support; update it", says, status)
}

// days writes a duration as people configure it.
func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}
