package sbom

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// normalizeHealthcheck turns BuildKit's
//
//	HEALTHCHECK &{["CMD-SHELL" "curl -f localhost"] "30s" "3s" "0s" "0s" '\x03'}
//
// into the instruction that it was: HEALTHCHECK --interval=30s --timeout=3s
// --retries=3 CMD curl -f localhost. What does not read so stays as it is.
func normalizeHealthcheck(line string) string {
	body, found := strings.CutPrefix(line, "HEALTHCHECK &{[")
	test, body, read := quotedList(body, "]")
	settings, _, complete := quotedList(body, "}")
	if !found || !read || !complete || len(test) == 0 {
		return line
	}
	if test[0] == "NONE" {
		return "HEALTHCHECK NONE"
	}
	words := append([]string{"HEALTHCHECK"}, healthOptions(settings)...)
	return strings.Join(append(words, "CMD", healthCommand(test)), " ")
}

// quotedList reads quoted Go texts and runes, separated by blanks, up to the
// end mark, and returns what follows it.
func quotedList(text, end string) (values []string, rest string, found bool) {
	for {
		text = strings.TrimLeft(text, " ")
		if rest, found := strings.CutPrefix(text, end); found {
			return values, rest, true
		}
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, "", false
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, "", false
		}
		values, text = append(values, value), text[len(quoted):]
	}
}

// healthOptions are the flags of the settings that were given. The settings are
// durations and, last, the retries as a rune; builders since Docker 25 also
// write the start interval.
func healthOptions(settings []string) []string {
	names := []string{"--interval=", "--timeout=", "--start-period=", "--start-interval="}
	if len(settings) == 4 {
		names = names[:3]
	}
	var options []string
	for i, setting := range settings {
		switch {
		case i < len(names) && setting != "0s":
			options = append(options, names[i]+setting)
		case i == len(names) && setting != "" && setting != "\x00":
			retries, _ := utf8.DecodeRuneInString(setting)
			options = append(options, "--retries="+strconv.Itoa(int(retries)))
		}
	}
	return options
}

// healthCommand is the command as the history writes that of CMD: a text for
// the shell, or a list.
func healthCommand(test []string) string {
	if test[0] == "CMD-SHELL" {
		return strings.Join(test[1:], " ")
	}
	return fmt.Sprintf("%q", test[1:])
}
