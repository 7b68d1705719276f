package policy

import (
	"fmt"
	"time"
)

var gateDistro = Gate{
	Name:        "distro",
	Description: "Looks at the image's distribution.",
	Addition:    true,
	Triggers: []Trigger{{
		Name:        "end_of_life",
		Description: "Fires if the distribution gets no more security updates, as far as the vulnerability data knows its date. The trigger id is the distribution, as in debian:10.",
		Parameters: []Parameter{{
			Name:        "days_before",
			Description: "Days before that date from which the rule fires.",
			Example:     "90",
			Type:        Integer,
			Default:     "0",
			Addition:    true,
		}},
		check: distroEndOfLife,
	}},
}

func distroEndOfLife(c *check) error {
	end := c.input.Feed.Coverage.EndOfLife
	if end.IsZero() {
		return nil
	}
	days, _ := c.integer("days_before")
	if due := end.AddDate(0, 0, -min(days, maxDays)); c.now.Before(due) {
		c.changesAt(due)
		return nil
	}
	name, version := distroName(c.input.Inventory.Distro)
	c.fireAs(name+":"+version, fmt.Sprintf("Distribution %s:%s reaches its end of life on %s", name, version, end.UTC().Format(time.DateOnly)))
	return nil
}
