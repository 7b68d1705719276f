package manual

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

// program has one of everything that a command line can say.
func program() *cli.App {
	return &cli.App{
		Name: "ship", Usage: "move things", Version: "1.0", Description: "Moves things.\n\n   ship go x",
		Flags: []cli.Flag{&cli.StringFlag{Name: "root", Category: "General", Value: "/srv", Usage: "`folder` of it's \\ all", EnvVars: []string{"SHIP_ROOT"}}},
		Commands: []*cli.Command{{
			Name: "crate", Usage: "manage crates", Category: "Things", Description: "   ship crate add c <x_y>",
			Subcommands: []*cli.Command{{
				Name: "add", Usage: "add a crate", UsageText: "ship crate add NAME...|- [options]",
				Description: "Needs <room> of\n.5 m and a_b.\n   ship crate add c\n      --size 3 # its\n\nAlways.",
				Flags: []cli.Flag{
					&cli.IntFlag{Name: "size", Aliases: []string{"s"}, Value: 3, Usage: "`a|b` of [it]", EnvVars: []string{"SIZE"}},
					&cli.BoolFlag{Name: "wait", Usage: "wait"},
				},
			}},
		}, {
			Name: "up", Usage: "run all", Category: "System",
			Flags: []cli.Flag{&cli.StringFlag{Name: "root", Category: "General"}},
		}},
	}
}

const wantMarkdown = `
**Things**

| command | use it to |
|---|---|
| [ship crate](#ship-crate) | manage crates |
| [ship crate add](#ship-crate-add) | add a crate |

**System**

| command | use it to |
|---|---|
| [ship up](#ship-up) | run all |

## ship crate

Manage crates.

'ship crate COMMAND'

    ship crate add c <x_y>

## ship crate add

Add a crate.

'ship crate add NAME...|- [options]'

Needs \<room> of
.5 m and a\_b.

    ship crate add c
       --size 3 # its

Always.

| option | default | meaning |
|---|---|---|
| '--size a\|b'<br>'-s a\|b'<br>'SIZE' | '3' | a\|b of \[it\] |
| '--wait' |  | wait |

## ship up

Run all.

'ship up'

It also takes all [settings](settings.md) of a worker.
`

// code has backquotes where a literal cannot.
func code(text string) string { return quotes.ReplaceAllString(text, "`$1`") }

var quotes = regexp.MustCompile(`'([^'\n]*)'`)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(code(wantMarkdown), Markdown(program())); diff != "" {
		t.Error(diff)
	}
}

const wantPage = `.TH SHIP 1 "" "Tagwatch 1.0" "Tagwatch Manual"
.SH NAME
ship \- move things
.SH SYNOPSIS
\fBship [options]\fR
.SH DESCRIPTION
.PP
Moves things.
.PP
.RS 4
.nf
ship go x
.fi
.RE
.SH OPTIONS
.SS "General"
.TP
\fB\-\-root\fR \fIfolder\fR
Folder of it\(aqs \e all (default: "/srv").
.br
Environment: SHIP_ROOT
.SH COMMANDS
.SS "ship crate"
Manage crates.
.PP
\fBship crate COMMAND\fR
.PP
.RS 4
.nf
ship crate add c <x_y>
.fi
.RE
.SS "ship crate add"
Add a crate.
.PP
\fBship crate add NAME...|\- [options]\fR
.PP
Needs <room> of
\&.5 m and a_b.
.PP
.RS 4
.nf
ship crate add c
   \-\-size 3 # its
.fi
.RE
.PP
Always.
.TP
\fB\-\-size\fR, \fB\-s\fR \fIa|b\fR
A|b of [it] (default: 3).
.br
Environment: SIZE
.TP
\fB\-\-wait\fR
Wait.
.SS "ship up"
Run all.
.PP
\fBship up\fR
.PP
It also takes all options of
.BR tagwatch\-worker (1).
.SH SEE ALSO
.BR ship\-captain (1) ,
.BR ship\-mate (1)
`

func TestPage(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(wantPage, Page(program(), "ship-captain", "ship-mate")); diff != "" {
		t.Error(diff)
	}
}
