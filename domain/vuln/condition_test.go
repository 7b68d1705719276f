package vuln_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

const fiveDays = 5 * 24 * time.Hour

// keys are the kinds of conditions, each with its provider.
func keys(conditions []condition.Found) []string {
	var found []string
	for _, c := range conditions {
		key := string(c.Kind)
		if c.Name != condition.AllData {
			key += " " + c.Name
		}
		found = append(found, key)
	}
	return found
}

func TestConditions(t *testing.T) {
	t.Parallel()
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	for _, test := range []struct {
		name   string
		change func(*vuln.Description)
		status vuln.Lifecycle
		maxAge time.Duration
		want   []string
	}{
		{"as it should be", func(*vuln.Description) {}, vuln.LifecycleActive, fiveDays, nil},
		{"no data", func(d *vuln.Description) { *d = vuln.Description{} }, "", fiveDays, nil},
		{"no status", func(*vuln.Description) {}, vuln.LifecycleUnstated, fiveDays, nil},
		{"deprecated", func(*vuln.Description) {}, vuln.LifecycleDeprecated, fiveDays, []string{"source.deprecated"}},
		{"end of life", func(*vuln.Description) {}, vuln.LifecycleEndOfLife, 0, []string{"source.eol"}},
		{"end of life without data", func(d *vuln.Description) { *d = vuln.Description{} }, vuln.LifecycleEndOfLife, 0, []string{"source.eol"}},
		{"a status of another kind", func(*vuln.Description) {}, "retired", fiveDays, []string{"source.unknown_status"}},
		{"a provider of 152 days ago", func(d *vuln.Description) { d.Providers[0].Captured = ago(152) }, "", fiveDays, []string{"provider.outdated debian"}},
		{"the same, of any age", func(d *vuln.Description) { d.Providers[0].Captured = ago(152) }, "", 0, nil},
		{"a provider on the way", func(d *vuln.Description) { d.Providers[0].Captured = ago(4) }, "", fiveDays, nil},
		{"two providers", func(d *vuln.Description) { d.Providers[0].Captured, d.Providers[1].Captured = ago(6), ago(300) }, "", fiveDays,
			[]string{"provider.outdated debian", "provider.outdated epss"}},
		{"a provider without a date", func(d *vuln.Description) { d.Providers[0].Captured = time.Time{} }, "", fiveDays, []string{"provider.undated debian"}},
		{"a provider from the future", func(d *vuln.Description) { d.Providers[0].Captured = now.AddDate(1, 0, 0) }, "", fiveDays, []string{"provider.ahead debian"}},
		{"scores of last month", func(d *vuln.Description) { d.Scored = ago(30) }, "", fiveDays, []string{"scores.outdated"}},
		{"scores of tomorrow", func(d *vuln.Description) { d.Scored = ago(-1) }, "", fiveDays, []string{"scores.ahead"}},
		{"no scores", func(d *vuln.Description) { d.Scored = time.Time{} }, "", fiveDays, nil},
		{"a build from the future", func(d *vuln.Description) { d.Built = now.AddDate(0, 0, 30) }, "", fiveDays, []string{"data.ahead"}},
		{"all of it old, which is said once", func(d *vuln.Description) {
			d.Built, d.Scored = ago(10), ago(10)
			for i := range d.Providers {
				d.Providers[i].Captured = ago(10).Add(-time.Hour)
			}
		}, "", fiveDays, []string{"data.outdated"}},
		{"all of it old, one provider older", func(d *vuln.Description) {
			d.Built, d.Scored = ago(10), ago(10)
			for i := range d.Providers {
				d.Providers[i].Captured = ago(10)
			}
			d.Providers[2].Captured = ago(100)
		}, "", fiveDays, []string{"data.outdated", "provider.outdated small"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := vuln.Conditions(described(test.change), test.status, test.maxAge, now)
			if diff := cmp.Diff(test.want, keys(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, c := range got {
				if c.Message == "" || c.Resource != condition.Data {
					t.Errorf("condition %+v", c)
				}
			}
		})
	}
}

// TestConditionsOfAgeStay for as long as the data does: what was said once is not
// taken back by the time that passes, and the texts stay what they were.
func TestConditionsOfAgeStay(t *testing.T) {
	t.Parallel()
	data := described(func(d *vuln.Description) {
		d.Providers[0].Captured = d.Built.AddDate(0, 0, -4)
		d.Providers[2].Captured = d.Built.AddDate(0, 0, -2)
		d.Scored = d.Built.AddDate(0, 0, -3)
	})
	var before []condition.Found
	for hour := range 24 * 12 {
		current := vuln.Conditions(data, "", fiveDays, data.Built.Add(time.Duration(hour)*time.Hour))
		for _, found := range before {
			if !slices.Contains(current, found) {
				t.Fatalf("after %d hours, %+v changed or ended", hour, found)
			}
		}
		before = current
	}
	if len(before) != 4 {
		t.Errorf("in the end: %v", keys(before))
	}
}
