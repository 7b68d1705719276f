package main

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/urfave/cli/v2"
)

// The scripts ask the program itself, which knows its commands and options.
var (
	//go:embed completion.bash
	completionBash string
	//go:embed completion.zsh
	completionZsh string
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Category: categorySystem,
		Usage:     "print a script that lets your shell complete commands, options and names",
		UsageText: "tagwatch completion bash|zsh|fish",
		Description: `   source <(tagwatch completion bash)                                # in ~/.bashrc
   source <(tagwatch completion zsh)                                 # in ~/.zshrc
   tagwatch completion fish > ~/.config/fish/completions/tagwatch.fish`,
		Action: action(completion),
	}
}

func completion(_ context.Context, s *session) error {
	shell, err := s.argument("bash, zsh or fish")
	if err != nil {
		return err
	}
	script, err := s.completionScript(shell)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, script)
	return err
}

func (s *session) completionScript(shell string) (string, error) {
	switch shell {
	case "bash":
		return completionBash, nil
	case "zsh":
		return completionZsh, nil
	case "fish":
		return s.App.ToFishCompletion()
	}
	return "", usage("there is no completion for %q; give bash, zsh or fish", shell)
}
