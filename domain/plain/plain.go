// Package plain makes untrusted text safe to show: text of registries, images, receivers and
// vulnerability data must not control a terminal, a chat, a page or Markdown.
package plain

import (
	"strings"
	"unicode"
)

// mark stands for a character that is not shown.
const mark = '\uFFFD'

// Shown reports whether a character is visible and has no other effect. Controls, C1
// included, act on terminals; formatting characters reorder or hide text.
func Shown(r rune) bool { return unicode.IsPrint(r) && r != mark }

// Text keeps line breaks and tabs, and replaces every other character that is not
// shown.
func Text(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return shown(r)
	}, text)
}

// Line is Text on one line.
func Line(text string) string { return strings.Map(shown, text) }

func shown(r rune) rune {
	switch {
	case unicode.IsPrint(r):
		return r
	case unicode.IsSpace(r):
		return ' '
	}
	return mark
}

// drawing are the characters that can draw something in Markdown.
const drawing = "!#$&()*+-.:<>[]\\^_`{|}~"

// Markdown is a text that Markdown shows as it is, on one line: it draws, links
// and loads nothing, and needs no quotes. Only what can draw is escaped: Temporal's Web
// UI shows the backslash before other punctuation.
func Markdown(text string) string {
	var out strings.Builder
	for _, r := range Line(text) {
		switch {
		case r == '@': // would link a mail address, and the Web UI shows its backslash too
			out.WriteString("&#64;")
			continue
		case strings.ContainsRune(drawing, r):
			out.WriteByte('\\') // CommonMark, 2.4
		}
		out.WriteRune(r)
	}
	return out.String()
}

// Code is a text in a code span of Markdown. It holds no backtick and no pipe,
// which would end the span, or the cell around it.
func Code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "\u00a6").Replace(Line(text)) + "`"
}

// Truncate shortens a text to a number of characters, the last an ellipsis.
func Truncate(limit int, text string) string {
	runes := []rune(text)
	if limit < 1 || len(runes) <= limit {
		return text
	}
	return string(runes[:limit-1]) + "…"
}
