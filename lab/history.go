package lab

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// instruction is one instruction of the Dockerfile that an image claims to come
// from.
type instruction struct {
	verb, arguments string
}

func copyTo(target string) instruction {
	return instruction{verb: "COPY", arguments: ". " + target}
}

func addRoot(system string) instruction {
	return instruction{verb: "ADD", arguments: system + " /"}
}

// style is the way in which a builder writes history.
type style int

const (
	buildKit style = iota
	classic
)

// ClassicHistory writes the history as Docker's builder before BuildKit did:
// "/bin/sh -c #(nop)  USER app".
func ClassicHistory(r *recipe) error { r.style = classic; return nil }

// RawHistory adds lines of history as they stand. They name no layers.
func RawHistory(lines ...string) Part {
	return func(r *recipe) error {
		for _, line := range lines {
			r.note("", line)
		}
		return nil
	}
}

func (s style) history(i instruction) v1.History {
	switch {
	case i.verb == "":
		return v1.History{CreatedBy: i.arguments}
	case s == classic:
		return v1.History{CreatedBy: i.classic()}
	default:
		return v1.History{CreatedBy: i.buildKit(), Comment: "buildkit.dockerfile.v0"}
	}
}

// classic is a shell command for RUN; all else is a comment to the shell. Two
// blanks precede the instructions that change only the configuration.
func (i instruction) classic() string {
	switch i.verb {
	case "RUN":
		return "/bin/sh -c " + i.arguments
	case "COPY", "ADD":
		return fmt.Sprintf("/bin/sh -c #(nop) %s %s ", i.verb, i.arguments)
	default:
		return fmt.Sprintf("/bin/sh -c #(nop)  %s %s", i.verb, i.arguments)
	}
}

// buildKit marks the instructions that make layers with a comment, and writes
// ports as Go prints the map that it holds them in.
func (i instruction) buildKit() string {
	switch i.verb {
	case "RUN":
		return "RUN /bin/sh -c " + i.arguments + " # buildkit"
	case "COPY", "ADD":
		return i.verb + " " + i.arguments + " # buildkit"
	case "EXPOSE":
		return "EXPOSE map[" + strings.ReplaceAll(i.arguments, " ", ":{} ") + ":{}]"
	default:
		return i.verb + " " + i.arguments
	}
}

// execForm writes a command as builders do in history: quoted words without
// commas.
func execForm(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = fmt.Sprintf("%q", word)
	}
	return "[" + strings.Join(quoted, " ") + "]"
}
