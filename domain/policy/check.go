package policy

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// check is one rule under evaluation: its trigger's view of the input and of
// the parameters, and the place where it fires.
type check struct {
	input   *Input
	ruleID  string
	gate    string
	trigger string
	params  map[string]string // by canonical name, defaults filled in, validated
	now     time.Time
	memo    *memo // work shared by the rules of one evaluation
	firings []firing
	next    time.Time // when time alone changes the outcome; zero for never
}

// firing is one occurrence of a trigger.
type firing struct {
	id      string
	message string
	aliases []string    // other trigger ids that whitelists may use for it
	match   *vuln.Match // that it is about; nil for none
}

// fire records an occurrence whose trigger id is derived from the message, as
// Anchore does: the MD5 of gate, trigger and message. Published whitelists hold
// these ids, so the messages must never change.
func (c *check) fire(message string) {
	if !c.memo.room.exhausted {
		c.fireAs(triggerID(c.gate, c.trigger, message), message)
	}
}

// fireAs records an occurrence with an explicit trigger id.
func (c *check) fireAs(id, message string, aliases ...string) {
	c.add(firing{id: id, message: message, aliases: aliases})
}

func (c *check) add(f firing) {
	if c.memo.room.take(f) {
		c.firings = append(c.firings, f)
	}
}

func (c *check) spend(work int) bool { return c.memo.timeLimit.spend(work) }

// changesAt notes that the outcome of the rule can change at that time. Past times
// are ignored.
func (c *check) changesAt(t time.Time) {
	c.next = earliest(c.next, t, c.now)
}

// Parameters are validated before a check exists, so values are well-formed here.

func (c *check) text(name string) (value string, given bool) {
	value, given = c.params[name]
	return value, given
}

func (c *check) value(name string) string { return c.params[name] }

func (c *check) list(name string) []string {
	text, given := c.params[name]
	if !given {
		return nil
	}
	return elements(text)
}

func (c *check) set(name string) map[string]bool {
	set := map[string]bool{}
	for _, element := range c.list(name) {
		set[element] = true
	}
	return set
}

func (c *check) numbers(name string) []int {
	var numbers []int
	for _, element := range c.list(name) {
		if number, err := strconv.Atoi(element); err == nil {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

func (c *check) integer(name string) (number int, given bool) {
	number, err := strconv.Atoi(strings.TrimSpace(c.params[name]))
	return number, err == nil
}

func (c *check) float(name string) (number float64, given bool) {
	number, err := strconv.ParseFloat(strings.TrimSpace(c.params[name]), 64)
	return number, err == nil || errors.Is(err, strconv.ErrRange) // which is infinite
}

func (c *check) flag(name string) bool { return strings.EqualFold(c.params[name], "true") }

func elements(text string) []string {
	parts := strings.Split(text, ",")
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
	}
	return parts
}

func triggerID(gate, trigger, message string) string {
	sum := md5.Sum([]byte(gate + trigger + message))
	return hex.EncodeToString(sum[:])
}

// earliest is the earlier of two times, of which zero means never; a candidate that
// is not after now is ignored.
func earliest(current, candidate, now time.Time) time.Time {
	if !candidate.After(now) || (!current.IsZero() && current.Before(candidate)) {
		return current
	}
	return candidate
}
