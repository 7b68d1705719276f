package main

import (
	"context"
	"embed"

	"github.com/urfave/cli/v2"
)

// completions are the scripts. They ask the program itself, which knows its
// commands and options.
//
//go:embed completion.bash completion.zsh completion.fish
var completions embed.FS

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
	script, err := completions.ReadFile("completion." + shell)
	if err != nil {
		return usage("there is no completion for %q; give bash, zsh or fish", shell)
	}
	_, err = s.out.Write(script)
	return err
}
