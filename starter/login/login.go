// Package login has the commands that store which server carries out commands.
package login

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/remote"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// Command stores a login.
func Command() *cli.Command {
	return &cli.Command{
		Name:      "login",
		Usage:     "have a server carry out commands",
		UsageText: "tagwatch login URL",
		Description: `Reads a token of the server from standard input, or asks for it. Once the server has
accepted it, the address and the token are stored in the user's settings, in a file
that only this user can read. From then on, commands are carried out by the server,
unless --server, --data-dir or --database-url or their variables say otherwise.

   tagwatch login https://tagwatch.example.com
   tagwatch login https://tagwatch.example.com < token.txt
   tagwatch login https://tagwatch.example.com --server-ca-file company.pem`,
		Action: session.One("URL", login),
	}
}

// LogoutCommand removes the login.
func LogoutCommand() *cli.Command {
	return &cli.Command{
		Name:        "logout",
		Usage:       "forget the server and the token of tagwatch login",
		UsageText:   "tagwatch logout",
		Description: "The token stays valid; end it with: tagwatch token revoke NAME\n\n   tagwatch logout",
		Action:      session.Bare(logout),
	}
}

func login(ctx context.Context, s *session.Session, given string) error {
	address, err := remote.Address(given)
	if err != nil {
		return exit.Usage("%w", err)
	}
	wanted := session.Login{Server: address.String(), CAFile: s.Settings.ServerCAFile}
	if wanted.CAFile != "" {
		if wanted.CAFile, err = filepath.Abs(wanted.CAFile); err != nil {
			return exit.Unable(err)
		}
	}
	if wanted.Token, err = readToken(s, wanted.Server); err != nil {
		return err
	}
	client, err := s.Client(wanted)
	if err != nil {
		return err
	}
	known, err := operations.ShowToken.Run(ctx, &operations.System{Remote: client}, operations.ShowTokenRequest{})
	if err != nil {
		return err
	}
	file, err := wanted.Save()
	if err != nil {
		return err
	}
	limit := ""
	if len(known.Subjects) > 0 {
		limit = ", limited to " + wording.List(known.Subjects)
	}
	fmt.Fprintf(s.Out, "Logged in to %s with the token %s of scope %s%s\n", wanted.Server, known.Name, known.Scope, limit)
	s.Say("Stored in %s; undo with: tagwatch logout", file)
	if used, err := s.Server(); err == nil && used.Server != wanted.Server {
		s.Say("The login has no effect while --server, --data-dir, --database-url or their variables are set")
	}
	return nil
}

// mostToken is more than any token has.
const mostToken = 1 << 10

// readToken asks for a token without showing it, or reads it from what is not a terminal.
func readToken(s *session.Session, server string) (string, error) {
	text, err := "", error(nil)
	if terminal, ok := s.App.Reader.(*os.File); ok && term.IsTerminal(int(terminal.Fd())) {
		fmt.Fprintf(s.Progress, "Token for %s: ", server)
		var typed []byte
		typed, err = term.ReadPassword(int(terminal.Fd()))
		s.Say("")
		text = string(typed)
	} else {
		text, err = bufio.NewReader(io.LimitReader(s.App.Reader, mostToken)).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return "", exit.Unable(fmt.Errorf("read the token from standard input: %w", err))
	}
	text = strings.TrimSpace(text)
	if _, ok := token.ParseID(text); !ok {
		return "", exit.Usage("standard input has no token: expected a line such as %s..., as tagwatch token create prints it", token.Prefix)
	}
	return text, nil
}

func logout(_ context.Context, s *session.Session) error {
	stored, err := session.ReadLogin()
	removed, failed := session.RemoveLogin()
	switch {
	case failed != nil:
		return failed
	case !removed:
		s.Say("Not logged in")
	case err != nil:
		fmt.Fprintln(s.Out, "Logged out")
	default:
		fmt.Fprintf(s.Out, "Logged out of %s\n", stored.Server)
	}
	return nil
}
