package notification_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// change is a notification in few words: "move a b", "eval go stop" or
// "vuln +1 -2", about nginx unless it says "other", a minute after the one before.
func change(t *testing.T, n int, words string) notification.Notification {
	t.Helper()
	target := nginx
	words, foreign := strings.CutPrefix(words, "other ")
	if foreign {
		target.Reference.Tag = "other"
	}
	kind, rest, _ := strings.Cut(words, " ")
	notified, err := notification.New(notification.Heading{ID: fmt.Sprint(n), Account: "admin", Created: noon.Add(time.Duration(n) * time.Minute)},
		contentOf(target, kind, strings.Fields(rest)))
	if err != nil {
		t.Fatal(err)
	}
	return notified
}

func contentOf(target image.Target, kind string, words []string) notification.Content {
	switch kind {
	case "move":
		return notification.TagMoved{Target: target, Before: pointing(words[0]), After: pointing(words[1])}
	case "eval":
		return notification.PolicyEvaluated{Target: target, Before: pointing("a"), After: pointing("a"), Last: outcome(words[0]), Current: outcome(words[1])}
	case "analyzed":
		return notification.ImageAnalyzed{Target: target, Before: pointing("a"), After: pointing("a")}
	}
	changed := notification.VulnerabilitiesChanged{Target: target, Before: pointing("a"), After: pointing("a")}
	for _, word := range words {
		switch finding := (vuln.Finding{ID: "CVE-2026-" + word[1:], Severity: vuln.High}); word[0] {
		case '+':
			changed.Added = append(changed.Added, finding)
		case '-':
			changed.Removed = append(changed.Removed, finding)
		case 'e', 'x': // came and went, with the probability that it is exploited
			probability := 0.25
			finding.EPSS = &probability
			if word[0] == 'e' {
				changed.Added = append(changed.Added, finding)
			} else {
				changed.Removed = append(changed.Removed, finding)
			}
		default: // ^ raises and v lowers its severity
			raised := finding
			raised.Severity = vuln.Critical
			update := vuln.Update{Previous: finding, Current: raised}
			if word[0] == 'v' {
				update.Previous, update.Current = raised, finding
			}
			changed.Updated = append(changed.Updated, update)
		}
	}
	return changed
}

func pointing(digit string) notification.Evidence {
	return notification.Evidence{Image: image.Resolved{Manifest: image.Digest("sha256:" + strings.Repeat(digit, 64))}}
}

func outcome(action string) notification.Evaluation {
	status := policy.Pass
	if action == "stop" {
		status = policy.Fail
	}
	return notification.Evaluation{Status: status, FinalAction: policy.Action(action), Document: json.RawMessage(`{}`)}
}

func TestDebounce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		window   time.Duration
		notified []string
		want     string // the ids of each loop
	}{
		{"there and back", time.Hour, []string{"move a b", "move b a"}, "0,1"},
		{"there and on", time.Hour, []string{"move a b", "move b c"}, ""},
		{"a detour", time.Hour, []string{"move a b", "move b c", "move c a"}, "0,1,2"},
		{"a loop on the way", time.Hour, []string{"move a b", "move b c", "move c b"}, "1,2"},
		{"a change remains", time.Hour, []string{"move a b", "move b a", "move a b"}, "0,1"},
		{"again and again", time.Hour, []string{"eval go stop", "eval stop go", "eval go stop", "eval stop go"}, "0,1 2,3"},
		{"the window is over", 90 * time.Second, []string{"move a b", "move b c", "move c a"}, ""},
		{"the window is long enough", 2 * time.Minute, []string{"move a b", "move b c", "move c a"}, "0,1,2"},
		{"a small loop within the window", time.Minute, []string{"move a b", "move b c", "move c b", "move b a"}, "1,2"},
		{"one is missing between", time.Hour, []string{"move a b", "move c a"}, ""},
		{"another final action", time.Hour, []string{"eval go stop", "eval stop warn"}, ""},
		{"different subjects", time.Hour, []string{"move a b", "other move b a"}, ""},
		{"beside each other", time.Hour, []string{"move a b", "other move a b", "move b a", "other move b a"}, "0,2 1,3"},
		{"different types", time.Hour, []string{"move a b", "vuln +1", "analyzed", "vuln -1"}, "1,3"},
		{"came and went", time.Hour, []string{"vuln +1 +2", "vuln -2 -1"}, "0,1"},
		{"came and went, with a probability of exploitation", time.Hour, []string{"vuln e1", "vuln x1"}, "0,1"},
		{"went and came", time.Hour, []string{"vuln -1", "vuln +1"}, "0,1"},
		{"came in one and went in two", time.Hour, []string{"vuln +1 +2", "vuln -1", "vuln -2"}, "0,1,2"},
		{"one remains", time.Hour, []string{"vuln +1 +2", "vuln -1"}, ""},
		{"raised and lowered", time.Hour, []string{"vuln ^1", "vuln v1"}, "0,1"},
		{"came, and went in another form", time.Hour, []string{"vuln +1", "vuln ^1", "vuln -1"}, ""},
		{"came twice, where a filter drops what goes", time.Hour, []string{"vuln +1", "vuln +1"}, ""},
		{"went twice, where a filter drops what comes", time.Hour, []string{"vuln -1", "vuln -1"}, ""},
		{"raised twice, where a filter drops what is lowered", time.Hour, []string{"vuln ^1", "vuln ^1"}, ""},
		{"analyzed twice", time.Hour, []string{"analyzed", "analyzed"}, ""},
		{"nothing", time.Hour, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var all []notification.Notification
			for n, words := range test.notified {
				all = append(all, change(t, n, words))
			}
			var loops []string
			for _, loop := range notification.Debounce(test.window, all) {
				var ids []string
				for _, n := range loop {
					ids = append(ids, n.ID)
				}
				loops = append(loops, strings.Join(ids, ","))
			}
			if got := strings.Join(loops, " "); got != test.want {
				t.Errorf("debounced %q, want %q", got, test.want)
			}
		})
	}
}

// What cannot be read is notified.
func TestDebounceOfPayloadsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, kind := range notification.Types {
		for _, payload := range []string{``, `[]`, `{}`, `{"previous": 1}`, `{"diff_vulnerability_result": {}}`, `{"imageDigest": 7, "diff_vulnerability_result": {"added": [1]}}`} {
			n := notification.Notification{Type: kind, Subject: "app:1", Payload: json.RawMessage(payload)}
			loops := notification.Debounce(time.Hour, []notification.Notification{n, n})
			if len(loops) > 0 {
				t.Errorf("%s %s: debounced %v", kind, payload, loops)
			}
		}
	}
}
