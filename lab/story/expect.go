package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// expected is an expected notification.
type expected struct {
	kind, key, cause string
	check            func(payload) error // nil for nothing more
}

// payload is the part of a notification that the story reads.
type payload struct {
	ID       string          `json:"notificationId"`
	Kind     string          `json:"subscription_type"`
	Key      string          `json:"subscription_key"`
	Cause    string          `json:"cause"`
	Last     json.RawMessage `json:"last_eval"`
	Current  json.RawMessage `json:"curr_eval"`
	Vulns    difference      `json:"diff_vulnerability_result"`
	NewTags  []string        `json:"new_tags"`
	Packages map[string]int  `json:"counts"`
}

type difference struct {
	Added, Removed, Updated []struct {
		ID       string `json:"CVE_ID"`
		Severity string
		Package  string `json:"Package_Name"`
		Previous struct{ Severity string }
	}
}

func (e expected) String() string { return fmt.Sprintf("%s of %s (cause: %s)", e.kind, e.key, e.cause) }

// timeout is how long a notification may take: the shortest poll interval, an analysis
// and a delivery.
const timeout = 3 * time.Minute

// expect waits for exactly these notifications, in any order.
func (s *Story) expect(ctx context.Context, list []expected) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for len(list) > 0 {
		hook, err := s.receiver.Next(ctx)
		if err != nil {
			return fmt.Errorf("no notification received, expected a %s: %w", list[0], err)
		}
		if list, err = s.account(hook, list); err != nil {
			return err
		}
	}
	return nil
}

// account prints a notification and removes it from the list.
func (s *Story) account(hook lab.Hook, list []expected) ([]expected, error) {
	s.read++
	var body struct {
		Data struct {
			Payload payload `json:"notification_payload"`
		}
	}
	if err := json.Unmarshal(hook.Body, &body); err != nil {
		return list, fmt.Errorf("read a webhook: %w", err)
	}
	p := body.Data.Payload
	s.say("-> %s  %-15s  cause: %-6s  %s  %s", hook.At.Format(time.TimeOnly), p.Kind, p.Cause, p.Key, p.line())
	for i, e := range list {
		if e.kind != p.Kind || e.key != p.Key {
			continue
		}
		if e.cause != p.Cause {
			return list, fmt.Errorf("%s has cause %q", e, p.Cause)
		}
		if e.check != nil {
			if err := e.check(p); err != nil {
				return list, fmt.Errorf("%s: %w", e, err)
			}
		}
		return append(list[:i:i], list[i+1:]...), nil
	}
	return list, fmt.Errorf("unexpected %s of %s", p.Kind, p.Key)
}

// silence makes sure that there are no further notifications.
func (s *Story) silence(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, silenceTime)
	defer cancel()
	hook, err := s.receiver.Next(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		fmt.Fprintf(s.out, "\nAll %d notifications arrived, each with its cause, and no others.\n", s.read)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.account(hook, nil)
	return err
}

// line is the summary of a payload.
func (p payload) line() string {
	switch p.Kind {
	case "policy_eval":
		return status(p.Last) + " -> " + status(p.Current)
	case "vuln_update":
		line := fmt.Sprintf("+%d -%d ~%d", len(p.Vulns.Added), len(p.Vulns.Removed), len(p.Vulns.Updated))
		for _, u := range p.Vulns.Updated {
			line += fmt.Sprintf("  %s of %s: %s -> %s", u.ID, u.Package, u.Previous.Severity, u.Severity)
		}
		return line
	case "repo_update":
		return fmt.Sprintf("new: %v", p.NewTags)
	case "tag_update":
		return shortDigest(p.Last) + " -> " + shortDigest(p.Current)
	}
	return ""
}

// shortDigest is enough of the first digest of a list.
func shortDigest(digests json.RawMessage) string {
	var list []string
	if err := json.Unmarshal(digests, &list); err != nil || len(list) == 0 {
		return "none"
	}
	return fmt.Sprintf("%.12s", strings.TrimPrefix(list[0], "sha256:"))
}

func status(evaluation json.RawMessage) string {
	var e struct{ Status string }
	_ = json.Unmarshal(evaluation, &e) // an unreadable one has no status
	return e.Status
}

// lists checks how many vulnerabilities were added, removed and updated.
func lists(added, removed, updated int) func(payload) error {
	return func(p payload) error {
		if len(p.Vulns.Added) != added || len(p.Vulns.Removed) != removed || len(p.Vulns.Updated) != updated {
			return fmt.Errorf("added, removed, updated are %d, %d, %d; want %d, %d, %d",
				len(p.Vulns.Added), len(p.Vulns.Removed), len(p.Vulns.Updated), added, removed, updated)
		}
		return nil
	}
}

// updatedFrom checks the severity of the one update, before and after.
func updatedFrom(before, after string) func(payload) error {
	return func(p payload) error {
		if u := p.Vulns.Updated[0]; u.Previous.Severity != before || u.Severity != after {
			return fmt.Errorf("severity went from %s to %s; want %s to %s", u.Previous.Severity, u.Severity, before, after)
		}
		return nil
	}
}

// becomes checks the status of the last and of this evaluation.
func becomes(from, to string) func(payload) error {
	return func(p payload) error {
		if status(p.Last) != from || status(p.Current) != to {
			return fmt.Errorf("status went from %s to %s; want %s to %s", status(p.Last), status(p.Current), from, to)
		}
		return nil
	}
}

func both(first, second func(payload) error) func(payload) error {
	return func(p payload) error { return errors.Join(first(p), second(p)) }
}
