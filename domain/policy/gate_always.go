package policy

var gateAlways = Gate{
	Name:        "always",
	Description: "Fires whatever the image is: to stop or to pass everything that a mapping selects.",
	Triggers: []Trigger{{
		Name:        "always",
		Description: "Fires once, unconditionally.",
		check:       always,
	}},
}

func always(c *check) error {
	c.fireAs("always", "Unconditional trigger match")
	return nil
}
