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
	Description: "Looks at the Dockerfile: the one supplied, or else one inferred from the image's history.",
	Triggers: []Trigger{
		{
			Name:        "instruction",
			Description: "Fires for each line of the instruction for which the comparison holds.",
			Parameters: []Parameter{
				{
					Name:        "instruction",
					Description: "The instruction to look at.",
					Example:     "FROM",
					Type:        Enum,
					Values:      sbom.Instructions,
					Required:    true,
				},
				{
					Name:        "check",
					Description: "How the text behind the instruction is compared with the value. not_exists fires once, if there is no such line.",
					Example:     "=",
					Type:        Enum,
					Values:      []string{"=", "!=", "exists", "not_exists", "like", "not_like", "in", "not_in"},
					Required:    true,
				},
				{
					Name:        "value",
					Description: "The text to compare with: a regular expression that matches from the start of the text for like and not_like, a comma-separated list for in and not_in. Without it only exists and not_exists can fire; an empty one is compared.",
					Example:     "scratch",
					Type:        Text,
					patternIf:   comparesLike,
				},
				actualDockerfileOnly,
			},
			check: dockerfileInstruction,
		},
		{
			Name:        "effective_user",
			Description: "Fires if the user of the last USER line, root if there is none, is not allowed.",
			Parameters: []Parameter{
				{
					Name:        "users",
					Description: "User names, with or without a group.",
					Example:     "root,docker",
					Type:        Text,
					Required:    true,
				},
				{
					Name:        "type",
					Description: "Whether the listed users are the allowed ones or the forbidden ones.",
					Example:     "blacklist",
					Type:        Enum,
					Values:      []string{"whitelist", "blacklist"},
					Required:    true,
				},
			},
			check: dockerfileUser,
		},
		{
			Name:        "exposed_ports",
			Description: "Fires for each exposed port that is not allowed.",
			Parameters: []Parameter{
				{
					Name:        "ports",
					Description: "Port numbers, each for any protocol. 0 is a port like the others.",
					Example:     "80,8080,8088",
					Type:        NumberList,
					Required:    true,
				},
				{
					Name:        "type",
					Description: "Whether the listed ports are the allowed ones or the forbidden ones.",
					Example:     "blacklist",
					Type:        Enum,
					Values:      []string{"whitelist", "blacklist"},
					Required:    true,
				},
				actualDockerfileOnly,
			},
			check: dockerfilePorts,
		},
		{
			Name:        "no_dockerfile_provided",
			Description: "Fires if no Dockerfile was supplied with the image.",
			check:       noDockerfileProvided,
		},
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

// comparesLike reports whether the check takes a regular expression.
func comparesLike(all map[string]string) bool {
	return all["check"] == "like" || all["check"] == "not_like"
}
