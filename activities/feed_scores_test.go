package activities_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/endpoint"
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

// TestScoreAtAFilterInBulk: the filter of an endpoint reads scores also of what is
// evaluated in bulk, and of what was recorded so.
func TestScoreAtAFilterInBulk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for number := range 4 {
		r.matcher.scores[checksum(number)] = []vuln.Score{{CVE: "CVE-2026-0001", Probability: 0.6}}
	}
	r.matcher.knows(checksum(1), "openssl 1")
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	r.matcher.knows(checksum(3), "openssl 1")
	r.must(r.store.SaveEndpoint(t.Context(), endpoint.Endpoint{Name: "likely", URL: r.receiver.URL() + "/likely", When: "epss > 0.5"}, r.clock.Now()))
	r.data(1)
	r.push("app:1", "openssl 1")
	r.settled("app:1")
	for number := 2; number <= 3; number++ {
		r.data(number)
	}
	sent, err := r.store.Deliveries(t.Context(), store.DeliveryFilter{Endpoint: "likely", Type: notification.VulnUpdate})
	r.must(err)
	if len(sent) != 2 {
		t.Errorf("%d deliveries, want one of the vulnerability that came and one of it when it went", len(sent))
	}
}

// TestScoreCrossesAFilter: so is an endpoint whose filter compares scores with a number.
func TestScoreCrossesAFilter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for number, probability := range []float64{1: 0.05, 2: 0.09, 3: 0.6, 4: 0.7} {
		r.matcher.scores[checksum(number)] = []vuln.Score{{CVE: "CVE-2026-0001", Probability: probability}}
		r.matcher.knows(checksum(number), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	}
	r.data(1)
	r.endpoint("all")
	r.must(r.store.SaveEndpoint(t.Context(), endpoint.Endpoint{Name: "likely", URL: r.receiver.URL(), When: "epss > 0.1"}, r.clock.Now()))
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	mark := len(r.notified())
	for number := 2; number <= 4; number++ { // 2: is checked for the first time
		r.watchers.take()
		r.data(number)
		if crosses := number == 3; crosses != (len(r.watchers.take()) > 0) {
			t.Errorf("build %d: woken: %t", number, !crosses)
		}
		r.resync(target)
	}
	r.expect(mark, "vuln_update feed app:1")
	for name, want := range map[string]int{"likely": 1, "all": 0} {
		deliveries, err := r.store.Deliveries(t.Context(), store.DeliveryFilter{Endpoint: name})
		r.must(err)
		got := 0
		for _, d := range deliveries {
			if d.Type == notification.VulnUpdate {
				got++
			}
		}
		if got != want {
			t.Errorf("%s gets %d, want %d: %+v", name, got, want, deliveries)
		}
	}
}
