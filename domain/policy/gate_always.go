package policy

var gateAlways = Gate{
	Name:        "always",
	Description: "Fires for every image: to stop or to pass everything that a mapping selects.",
	Triggers: []Trigger{{Name: "always", check: always,
		Description: "Fires once, unconditionally."}},
}

func always(c *check) error {
	c.fireAs("always", "Unconditional trigger match")
	return nil
}
