package policy

import (
	"fmt"
	"slices"
	"strings"
)

func dockerfileInstruction(c *check) error {
	word, operator := c.value("instruction"), c.value("check")
	value, given := c.text("value")
	lines := dockerfileLines(c)
	if len(lines) == 0 || onlyActual(c) {
		return nil
	}
	if operator == "not_exists" {
		if !slices.ContainsFunc(lines, func(l dockerfileLine) bool { return l.word == word }) {
			c.fire(fmt.Sprintf("Dockerfile directive '%s' not found, matching condition 'not_exists' check", word))
		}
		return nil
	}
	if !given && operator != "exists" {
		return nil
	}
	for line := range each(c.memo.timeLimit, lines) {
		if line.word != word {
			continue
		}
		holds, err := textHolds(c, line.argument, operator, value)
		if err != nil {
			return err
		}
		if holds {
			c.fire(fmt.Sprintf("Dockerfile directive '%s' check '%s' matched against '%s' for line '%s'", word, operator, value, line.argument))
		}
	}
	return nil
}

// textHolds compares a text that is there with the value of a rule.
func textHolds(c *check, text, operator, value string) (bool, error) {
	switch operator {
	case "exists":
		return true, nil
	case "in", "not_in":
		if !c.spend(len(value)) {
			return false, c.memo.timeLimit.err
		}
		return slices.Contains(elements(value), text) == (operator == "in"), nil
	case "like", "not_like":
		expression, err := c.pattern(value)
		if err != nil {
			return false, err
		}
		matched, err := expression.matchStart(text)
		return matched == (operator == "like"), err
	}
	return orderHolds(strings.Compare(text, value), operator), nil
}

// orderHolds reports whether a comparison operator is true of the order of two
// values, negative if the first is the lower one.
func orderHolds(order int, operator string) bool {
	switch operator {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	case ">=":
		return order >= 0
	}
	return false
}

// rootUser is the user of an image that names none.
const rootUser = "root"

func dockerfileUser(c *check) error {
	lines := dockerfileLines(c)
	if len(lines) == 0 {
		return nil
	}
	user := rootUser
	for line := range each(c.memo.timeLimit, lines) {
		if line.word == "USER" {
			user = strings.TrimSuffix(strings.TrimPrefix(line.argument, "["), "]")
		}
	}
	listed := listsUser(c.set("users"), user)
	switch {
	case user == "":
	case c.value("type") == "blacklist" && listed:
		c.fire(fmt.Sprintf("User %s found as effective user, which is explicity not allowed", user))
	case c.value("type") == "whitelist" && !listed:
		c.fire(fmt.Sprintf("User %s found as effective user, which is not on the allowed list", user))
	}
	return nil
}

func listsUser(users map[string]bool, user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return users[user] || users[name]
}
