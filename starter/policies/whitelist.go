package policies

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func whitelistCommand() *cli.Command {
	return &cli.Command{
		Name:        "whitelist",
		Usage:       "add and remove whitelist items",
		Description: "   tagwatch policy whitelist add 'CVE-2026-1234+*' --until 30d --comment 'not reachable'\n   tagwatch policy whitelist remove item-1",
		Subcommands: []*cli.Command{whitelistAddCommand(), whitelistRemoveCommand()},
	}
}

func inWhitelistFlag() cli.Flag {
	return &cli.StringFlag{Name: "in", Usage: "`id` of the whitelist (default: the only one)"}
}

func whitelistAddCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add an item to a whitelist",
		UsageText: "tagwatch policy whitelist add TRIGGER-ID [options]",
		Description: `Adds the item at the end of the whitelist and stores the bundle's next version.
Trigger ids are in the output of tagwatch evaluate --detail; * stands for any
text, as in 'CVE-2026-1234+*' for a vulnerability in all packages.

   tagwatch policy whitelist add 'CVE-2026-1234+openssl' --until 2027-01-31
   tagwatch policy whitelist add debian:10 --gate distro --until 90d --dry-run`,
		Flags: editFlags(
			&cli.StringFlag{Name: "gate", Usage: "`name` of the gate whose rows it lets pass", Value: "vulnerabilities"},
			&cli.StringFlag{Name: "until", Usage: "`time` at which it expires: 2027-01-31, 2027-01-31T12:00:00Z or 30d (default: never)"},
			&cli.StringFlag{Name: "comment", Usage: "`text` that says why"},
			&cli.StringFlag{Name: "id", Usage: "`id` of the item (default: the next item-N)"},
			inWhitelistFlag()),
		Action: session.Action(whitelistAdd),
	}
}

func whitelistAdd(ctx context.Context, s *session.Session) error {
	trigger, err := s.Argument("TRIGGER-ID")
	if err != nil {
		return err
	}
	item := policy.NewItem{ID: s.String("id"), Gate: s.String("gate"), TriggerID: trigger, Comment: s.String("comment")}
	if item.Expires, err = expiry(s.String("until"), s.Now); err != nil {
		return err
	}
	return edit(ctx, s, func(b *policy.Bundle) ([]byte, string, error) {
		item.ID = cmp.Or(item.ID, freeID("item", func(id string) bool {
			return slices.ContainsFunc(b.Whitelists, func(w policy.Whitelist) bool {
				return slices.ContainsFunc(w.Items, func(i policy.Item) bool { return i.ID == id })
			})
		}))
		document, err := b.AddItem(s.String("in"), item)
		return document, fmt.Sprintf("whitelist item %s (%s) added", item.ID, trigger), err
	})
}

// expiry is when an item expires, as bundles write it; "" for never.
func expiry(text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	end, err := arguments.TimeToCome(text, now)
	if err != nil {
		return "", exit.Usage("invalid value %q for --until: expected a time to come such as 2027-01-31, 2027-01-31T12:00:00Z or 30d", text)
	}
	return end.Format(time.RFC3339), nil
}

func whitelistRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Usage:       "remove an item from a whitelist",
		UsageText:   "tagwatch policy whitelist remove ITEM|TRIGGER-ID [options]",
		Description: "   tagwatch policy whitelist remove item-1\n   tagwatch policy whitelist remove 'CVE-2026-1234+*' --dry-run",
		Flags:       editFlags(inWhitelistFlag()),
		Action: session.One("ITEM", func(ctx context.Context, s *session.Session, item string) error {
			return edit(ctx, s, func(b *policy.Bundle) ([]byte, string, error) {
				document, err := b.RemoveItem(s.String("in"), item)
				return document, "whitelist item " + item + " removed", err
			})
		}),
	}
}
