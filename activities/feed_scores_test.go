package activities_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Scores of a build are what the test says.
func (m *matcher) Scores(_ context.Context, checksum string) ([]vuln.Score, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.scores[checksum], nil
}

// TestScoresFollowTheData without being news.
func TestScoresFollowTheData(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, number := range []int{1, 2, 3} {
		r.matcher.scores[checksum(number)] = []vuln.Score{{CVE: "CVE-2026-0001", Probability: float64(number) / 10}}
		r.matcher.knows(checksum(number), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	}
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	mark := len(r.notified())
	for _, number := range []int{2, 3} {
		r.watchers.take()
		r.data(number)
		if woken := r.watchers.take(); len(woken) > 0 {
			t.Errorf("woken: %v", woken)
		}
		r.resync(target)
		scores, err := r.store.Scores(t.Context(), []string{"CVE-2026-0001"})
		r.must(err)
		if got, want := scores["CVE-2026-0001"].Probability, float64(number)/10; got != want {
			t.Errorf("build %d: probability %g, want %g", number, got, want)
		}
	}
	r.expect(mark)
}

// TestScoreCrossesAThreshold: subscribers who name one are notified, with what the
// probability was before; the tag is woken for it.
func TestScoreCrossesAThreshold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for number, probability := range []float64{1: 0.05, 2: 0.09, 3: 0.6, 4: 0.7, 5: 0.02} {
		r.matcher.scores[checksum(number)] = []vuln.Score{{CVE: "CVE-2026-0001", Probability: probability}}
		r.matcher.knows(checksum(number), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	}
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	r.subscribeTo(subscription.Request{Targets: []image.Target{target}, Types: []notification.Type{notification.VulnUpdate}, Options: subscription.Options{EPSS: 0.1}})
	mark := len(r.notified())
	for number := 2; number <= 5; number++ { // 2: is checked for the first time
		r.watchers.take()
		r.data(number)
		if crosses := number == 3 || number == 5; crosses != (len(r.watchers.take()) > 0) {
			t.Errorf("build %d: woken: %t", number, !crosses)
		}
		r.resync(target)
	}
	r.expect(mark, "vuln_update feed app:1", "vuln_update feed app:1")
	type rating struct{ EPSS float64 }
	var got [][2]float64
	stored, err := r.store.Notifications(t.Context(), store.NotificationFilter{Types: []notification.Type{notification.VulnUpdate}})
	r.must(err)
	for _, n := range stored {
		var payload struct {
			Difference struct {
				Updated []struct {
					rating
					Previous rating
				}
			} `json:"diff_vulnerability_result"`
		}
		r.must(json.Unmarshal(n.Payload, &payload))
		for _, update := range payload.Difference.Updated {
			got = append(got, [2]float64{update.Previous.EPSS, update.EPSS})
		}
	}
	if diff := cmp.Diff([][2]float64{{0.09, 0.6}, {0.7, 0.02}}, got); diff != "" {
		t.Errorf("probabilities before and now (-want +got):\n%s", diff)
	}
}

// TestScoreDecidesAPolicy: a score alone brings a tag to another status, in bulk.
func TestScoreDecidesAPolicy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for number, probability := range []float64{1: 0.05, 2: 0.2, 3: 0.6, 4: 0.7, 5: 0.02} {
		r.matcher.scores[checksum(number)] = []vuln.Score{{CVE: "CVE-2026-0001", Probability: probability}}
		r.matcher.knows(checksum(number), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	}
	r.activateRule(`"gate": "vulnerabilities", "trigger": "package", "params": [{"name": "package_type", "value": "all"}, {"name": "epss_score", "value": "0.5"}]`)
	r.data(1)
	r.push("app:1", "openssl 1")
	r.settled("app:1")
	mark := len(r.notified())
	for number := 2; number <= 5; number++ {
		r.data(number)
	}
	r.expect(mark, "policy_eval feed app:1", "policy_eval feed app:1")
}
