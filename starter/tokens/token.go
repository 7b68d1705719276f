// Package tokens has the commands about the tokens of the HTTP API.
package tokens

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:  "token",
		Usage: "manage the tokens of the HTTP API",
		Description: `A token lets a program use the HTTP API of a worker (tagwatch-worker --api-listen).
Its scope is feed (read Atom feeds), read (see), act (also subscribe, unsubscribe,
rescan, redeliver and accept risks) or admin (also change everything else).

   tagwatch token create ci --scope act --subject 'ghcr.io/web/*' --expires 90d
   tagwatch token list
   tagwatch token revoke ci`,
		Subcommands: []*cli.Command{createCommand(), listCommand(), revokeCommand()},
	}
}

func createCommand() *cli.Command {
	return &cli.Command{
		Name:      "create",
		Usage:     "create a token and print it",
		UsageText: "tagwatch token create NAME --scope feed|read|act|admin [options]",
		Description: `The token is printed once, on standard output; Tagwatch stores only a hash of it.
With --subject, other tags do not exist for its holder.

   tagwatch token create dashboard --scope read
   tagwatch token create ci --scope act --subject 'ghcr.io/web/*' --expires 90d > token.txt`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "scope", Usage: "what it allows: `" + strings.Join(names(token.Scopes), "|") + "`"},
			&cli.GenericFlag{Name: "subject", Value: &arguments.Whole{}, Usage: "`pattern` of the tags that it is limited to, such as ghcr.io/web/*; repeatable (default: all tags)"},
			&cli.StringFlag{Name: "expires", Usage: "`time` when it expires, such as 90d or 2027-01-31 (default: never)"},
			session.OutputFlag(),
		},
		Action: session.One("NAME", create),
	}
}

func names(scopes []token.Scope) []string {
	texts := make([]string, len(scopes))
	for i, scope := range scopes {
		texts[i] = string(scope)
	}
	return texts
}

func create(ctx context.Context, s *session.Session, name string) error {
	request := operations.TokenRequest{Name: name, Scope: token.Scope(s.String("scope"))}
	if request.Scope == "" {
		return exit.Usage("--scope is missing: expected one of %s", wording.List(token.Scopes))
	}
	for _, pattern := range arguments.WholeValues(s, "subject") {
		request.Subjects = append(request.Subjects, image.Pattern(pattern))
	}
	if text := s.String("expires"); text != "" {
		var err error
		if request.Expires, err = arguments.TimeToCome(text, s.Now); err != nil {
			return exit.Usage("invalid value %q for --expires: expected a time to come such as 90d, 2027-01-31 or 2027-01-31T12:00:00Z", text)
		}
	}
	made, err := operations.CreateToken.Run(ctx, s.System(), request)
	if err != nil {
		return err
	}
	for _, warning := range made.Warnings {
		s.Say("%s", warning)
	}
	s.Say("Token %s of scope %s created; store it now, it is not shown again", made.Name, made.Scope)
	return s.Show(made, func(w io.Writer) { fmt.Fprintln(w, made.Text) })
}

func listCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the tokens",
		UsageText:   "tagwatch token list [options]",
		Description: "   tagwatch token list\n   tagwatch token list -o json",
		Flags:       session.ListFlags(),
		Action:      session.Bare(list),
	}
}

func list(ctx context.Context, s *session.Session) error {
	all, err := operations.All(func(page operations.Page) ([]operations.Token, string, error) {
		list, err := operations.ListTokens.Run(ctx, s.System(), operations.TokensRequest{Page: page})
		return list.Tokens, list.Next, err
	})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Token]{Items: all, Name: func(v operations.Token) string { return v.Name }, People: func(w io.Writer, all []operations.Token) { write(s, w, all) }})
}

func write(s *session.Session, w io.Writer, all []operations.Token) {
	if len(all) == 0 {
		s.Say("No token yet; create one with: tagwatch token create NAME --scope read")
		return
	}
	t := output.NewTable("NAME", "SCOPE", "SUBJECTS", "CREATED", "EXPIRES").Drop("CREATED")
	for _, v := range all {
		style, expires := output.Ordinary, "never"
		if !v.Expires.IsZero() {
			expires = s.Ago(v.Expires)
		}
		if v.Expired {
			style, expires = output.Faint, "expired "+expires
		}
		t.Row(style, v.Name, string(v.Scope), cmp.Or(wording.List(v.Subjects), "all"), s.Ago(v.Created), expires)
	}
	t.Write(w)
}

func revokeCommand() *cli.Command {
	return &cli.Command{
		Name:        "revoke",
		Usage:       "revoke a token",
		UsageText:   "tagwatch token revoke NAME",
		Description: "Requests with it are refused at once.\n\n   tagwatch token revoke ci",
		Action:      session.One("NAME", revoke),
	}
}

func revoke(ctx context.Context, s *session.Session, name string) error {
	revoked, err := operations.RevokeToken.Run(ctx, s.System(), operations.RevokeRequest{Name: name})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "Token %s revoked\n", revoked.Name)
	return nil
}
