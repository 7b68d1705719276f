package message

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// linked is an account whose messages lead somewhere.
var linked = Account{Name: "admin", PublicURL: "https://tagwatch.example.com"}

// storm is many notifications of two causes, about different subjects.
func storm(t *testing.T, count int, summary func(n int) string) []notification.Notification {
	t.Helper()
	var all []notification.Notification
	for n := range count {
		sample, err := notification.Sample(notification.VulnUpdate, fmt.Sprintf("id-%04d", n), "admin", time.Unix(int64(n), 0))
		if err != nil {
			t.Fatal(err)
		}
		sample.Cause, sample.Subject = []notification.Cause{notification.CauseFeed, notification.CauseTime}[n%2], fmt.Sprintf("registry.example.com/app:%04d", n)
		sample.Summary = summary(n)
		all = append(all, sample)
	}
	return all
}

// The services' own limits: of characters in a text, of bytes in a request.
var serviceLimits = map[Format]struct {
	text  func(body map[string]any) any // nil where the request counts
	limit int
}{
	FormatSlack:   {func(body map[string]any) any { return body["text"] }, 4000},
	FormatDiscord: {func(body map[string]any) any { return body["content"] }, 2000},
	FormatTeams:   {nil, 28 << 10},
}

func checkLimit(t *testing.T, f Format, content []byte) {
	t.Helper()
	bound, limited := serviceLimits[f]
	size := len(content)
	if limited && bound.text != nil {
		var body map[string]any
		if err := json.Unmarshal(content, &body); err != nil {
			t.Fatal(err)
		}
		size = utf8.RuneCountInString(bound.text(body).(string))
	}
	if limited && size > bound.limit {
		t.Errorf("a message has %d characters, the limit is %d", size, bound.limit)
	}
}

// A storm of a thousand: each notification is in exactly one message, which lists
// it, has one cause and is no longer than its service takes, whatever the texts
// are made of.
func TestCombineListsEverything(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		count   int
		summary func(n int) string
	}{
		{"usual", 1000, func(n int) string { return fmt.Sprintf("registry.example.com/team/app:%04d: 1 added (1 high)", n) }},
		{"short", 600, func(n int) string { return fmt.Sprintf("%04d", n) }},
		{"markup", 200, func(n int) string { return fmt.Sprintf("%04d", n) + strings.Repeat(`_*<&"\`, 20) }},
		{"endless", 200, func(n int) string { return fmt.Sprintf("%04d", n) + strings.Repeat("\u2028é", 500) }},
	} {
		all := storm(t, test.count, test.summary)
		for _, format := range Formats {
			e := Form{Format: format}
			if format == FormatTemplate {
				e.Template = `{{range .Notifications}}{{truncate 100 .Summary}} {{end}}`
			}
			t.Run(test.name+" "+string(format), func(t *testing.T) {
				t.Parallel()
				var ids []string
				for _, group := range Combine(e, all, linked) {
					body, err := RenderGroup(e, NewGroup(group), delivery.Delivery{}, linked)
					if err != nil {
						t.Fatal(err)
					}
					checkLimit(t, format, body.Content)
					ids = append(ids, listed(t, group, string(body.Content))...)
				}
				slices.Sort(ids)
				if len(slices.Compact(ids)) != len(all) || len(ids) != len(all) {
					t.Errorf("%d of %d are notified", len(ids), len(all))
				}
			})
		}
	}
}

// listed are the ids of a group, all of which its body must show.
func listed(t *testing.T, group []notification.Notification, body string) (ids []string) {
	t.Helper()
	for _, n := range group {
		ids = append(ids, n.ID)
		if n.Cause != group[0].Cause {
			t.Errorf("%s is notified with others of another cause", n.ID)
		}
		if !strings.Contains(body, n.ID) && !strings.Contains(body, n.Summary[:4]) {
			t.Errorf("%s is not listed", n.ID)
		}
	}
	return ids
}

// A single notification fits too, however long its parts are.
func TestOneNotificationFits(t *testing.T) {
	t.Parallel()
	account := Account{Name: "admin", PublicURL: "https://tagwatch.example.com/" + strings.Repeat("deep/", 1000)}
	n := storm(t, 1, func(int) string { return strings.Repeat(`_*<&"\`, 5000) })[0]
	for format := range serviceLimits {
		body, err := Render(Form{Format: format}, n, delivery.Delivery{}, account)
		if err != nil {
			t.Fatal(err)
		}
		checkLimit(t, format, body.Content)
	}
}

// What happened to one subject stays in its order, also where its causes
// alternate, and nothing is divided more often than that asks for.
func TestCombineKeepsTheOrderOfASubject(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		notified []string // subject and cause
		want     string   // the ids of each group
	}{
		{"one cause", []string{"a feed", "b feed", "a feed"}, "0,1,2"},
		{"two causes of different subjects", []string{"a feed", "b policy", "a feed", "b policy"}, "0,2 1,3"},
		{"two causes of one subject", []string{"a feed", "a policy"}, "0 1"},
		{"and back", []string{"a feed", "a policy", "a feed"}, "0 1 2"},
		{"others join the later group", []string{"a feed", "a policy", "a feed", "b feed", "b policy"}, "0 1 2,3 4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var all []notification.Notification
			for n, notified := range test.notified {
				subject, cause, _ := strings.Cut(notified, " ")
				all = append(all, notification.Notification{ID: fmt.Sprint(n), Type: notification.VulnUpdate, Subject: subject, Cause: notification.Cause(cause)})
			}
			var groups []string
			for _, group := range Combine(Form{}, all, Account{}) {
				var ids []string
				for _, n := range group {
					ids = append(ids, n.ID)
				}
				groups = append(groups, strings.Join(ids, ","))
			}
			if got := strings.Join(groups, " "); got != test.want {
				t.Errorf("groups %s, want %s", got, test.want)
			}
		})
	}
}
