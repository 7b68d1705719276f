package policy

import "github.com/tagwatch/tagwatch/domain/sbom"

// actualDockerfileOnly is a parameter that several checks share.
var actualDockerfileOnly = Parameter{
	Name:        "actual_dockerfile_only",
	Description: "Check only at a Dockerfile that was supplied, not at one inferred from the image's history.",
	Example:     "true",
	Type:        Boolean,
	Default:     "false",
}

var gateDockerfile = Gate{
	Name:        "dockerfile",
	Description: "Checks the Dockerfile: the one supplied, or else one inferred from the image's history.",
	Triggers: []Trigger{
		{Name: "instruction", check: dockerfileInstruction,
			Description: "Fires for each line of the instruction for which the comparison holds.",
			Parameters: []Parameter{
				{Name: "instruction", Type: Enum, Values: sbom.Instructions, Required: true, Example: "FROM",
					Description: "The instruction to check."},
				{Name: "check", Type: Enum, Values: []string{"=", "!=", "exists", "not_exists", "like", "not_like", "in", "not_in"}, Required: true, Example: "=",
					Description: "How the text behind the instruction is compared with the value. not_exists fires once, if there is no such line."},
				{Name: "value", Type: Text, Example: "scratch", patternIf: comparesLike,
					Description: "The text to compare with: a regular expression that matches from the start of the text for like and not_like, a comma-separated list for in and not_in. Without it only exists and not_exists can fire; an empty one is compared."},
				actualDockerfileOnly,
			}},
		{Name: "effective_user", check: dockerfileUser,
			Description: "Fires if the user of the last USER line, root if there is none, is not allowed.",
			Parameters: []Parameter{
				{Name: "users", Type: Text, Required: true, Example: "root,docker",
					Description: "User names, with or without a group."},
				{Name: "type", Type: Enum, Values: []string{"whitelist", "blacklist"}, Required: true, Example: "blacklist",
					Description: "Whether the listed users are the allowed ones or the forbidden ones."},
			}},
		{Name: "exposed_ports", check: dockerfilePorts,
			Description: "Fires for each exposed port that is not allowed.",
			Parameters: []Parameter{
				{Name: "ports", Type: NumberList, Required: true, Example: "80,8080,8088",
					Description: "Port numbers, each for any protocol. 0 is a port like the others."},
				{Name: "type", Type: Enum, Values: []string{"whitelist", "blacklist"}, Required: true, Example: "blacklist",
					Description: "Whether the listed ports are the allowed ones or the forbidden ones."},
				actualDockerfileOnly,
			}},
		{Name: "no_dockerfile_provided", check: noDockerfileProvided,
			Description: "Fires if no Dockerfile was supplied with the image."},
	},
}

func noDockerfileProvided(c *check) error {
	if !c.input.Inventory.Dockerfile.Actual {
		c.fire("Image was not analyzed with an actual Dockerfile")
	}
	return nil
}

// onlyActual reports whether the rule passes over inferred Dockerfiles, and the
// image has but one of those.
func onlyActual(c *check) bool {
	return c.flag("actual_dockerfile_only") && !c.input.Inventory.Dockerfile.Actual
}

func comparesLike(all map[string]string) bool {
	return all["check"] == "like" || all["check"] == "not_like"
}
