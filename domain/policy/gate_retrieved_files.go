package policy

import (
	"cmp"
	"fmt"
	"strings"
)

var gateRetrievedFiles = Gate{
	Name:        "retrieved_files",
	Description: "Checks the contents of files that the analysis keeps, as configured.",
	Triggers: []Trigger{
		{Name: "content_not_available", check: retrievedUnavailable,
			Description: "Fires if the content of the file was not kept: it is not in the image, is too large, or keeping it is not configured.",
			Parameters: []Parameter{{Name: "path", Type: Text, Required: true, Example: "/etc/httpd.conf",
				Description: "Absolute path of the file."}}},
		{Name: "content_regex", check: retrievedContent,
			Description: "Fires if a line or word of the file matches, or if none does. It is silent about a file whose content was not kept.",
			Parameters: []Parameter{
				{Name: "path", Type: Text, Required: true, Example: "/etc/httpd.conf",
					Description: "Absolute path of the file."},
				{Name: "check", Type: Enum, Values: []string{"match", "no_match"}, Required: true, Example: "match",
					Description: "Whether a match fires, or that there is none."},
				{Name: "regex", Type: Pattern, Required: true, Example: ".*SSlEnable.*",
					Description: "Regular expression that matches from the start of a line or of a word."},
			}},
	},
}

func retrievedUnavailable(c *check) error {
	if _, kept := c.input.Inventory.Retrieved[c.value("path")]; !kept {
		c.fire("Cannot locate file in the image analysis")
	}
	return nil
}

func retrievedContent(c *check) error {
	path, operator := c.value("path"), c.value("check")
	content, kept := c.input.Inventory.Retrieved[path]
	if !kept {
		return nil
	}
	expression, err := c.pattern(c.value("regex"))
	if err != nil {
		return err
	}
	found, err := matchesLineOrWord(expression, string(content))
	if err != nil || found != (operator == "match") {
		return err
	}
	c.fireAs(cmp.Or(c.ruleID, "None")+"+file://"+path, fmt.Sprintf("Content regex '%s' check '%s' found in retrieved file '%s'", expression.text, operator, path))
	return nil
}

// matchesLineOrWord tries the lines, as rules are meant, and the words, as
// Anchore did: rules are in use that match from the start of a word.
func matchesLineOrWord(expression *pattern, content string) (bool, error) {
	for line := range strings.Lines(content) {
		for _, text := range append([]string{strings.TrimRight(line, "\r\n")}, strings.Fields(line)...) {
			if matched, err := expression.matchStart(text); matched || err != nil {
				return matched, err
			}
		}
	}
	return false, nil
}
