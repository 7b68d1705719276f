// Package completion completes command lines for shells.
package completion

import (
	"context"
	"embed"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// completions are the scripts. They call the program itself for candidates.
//
//go:embed completion.bash completion.zsh completion.fish
var completions embed.FS

func Command() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a shell completion script",
		UsageText: "tagwatch completion bash|zsh|fish",
		Description: `   source <(tagwatch completion bash)                                # in ~/.bashrc
   source <(tagwatch completion zsh)                                 # in ~/.zshrc
   tagwatch completion fish > ~/.config/fish/completions/tagwatch.fish`,
		Action: session.One("bash, zsh or fish", completion),
	}
}

func completion(_ context.Context, s *session.Session, shell string) error {
	script, err := completions.ReadFile("completion." + shell)
	if err != nil {
		return exit.Usage("no completion for shell %q: expected bash, zsh or fish", shell)
	}
	_, err = s.Out.Write(script)
	return err
}
