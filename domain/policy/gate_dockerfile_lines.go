package policy

import (
	"regexp"
	"strings"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

// dockerfileLine is one instruction.
type dockerfileLine struct {
	word     string // upper-case, as in "FROM"
	argument string // the rest, trimmed
}

func dockerfileLines(c *check) []dockerfileLine {
	return shared(c, "dockerfile lines", func() []dockerfileLine { return parseDockerfile(c.input.Inventory.Dockerfile) })
}

// parseDockerfile reads the instructions. Only a Dockerfile that a person wrote
// has continuation lines and here-documents: an inferred one has an instruction
// a line, whatever that ends in.
func parseDockerfile(d sbom.Dockerfile) []dockerfileLine {
	lines := strings.Split(strings.ReplaceAll(d.Text, "\r\n", "\n"), "\n")
	if d.Actual {
		lines = joinDockerfile(lines)
	}
	var parsed []dockerfileLine
	for _, line := range lines {
		if line = strings.TrimSpace(line); !isComment(line) {
			word := strings.Fields(line)[0]
			parsed = append(parsed, dockerfileLine{word: strings.ToUpper(word), argument: strings.TrimSpace(line[len(word):])})
		}
	}
	return parsed
}

// isComment reports whether a trimmed line says nothing.
func isComment(line string) bool { return line == "" || strings.HasPrefix(line, "#") }

// joinDockerfile makes one line of each instruction. Comments and blank lines
// within an instruction are dropped, as Docker does.
// See https://docs.docker.com/reference/dockerfile/#format.
func joinDockerfile(lines []string) []string {
	escape := escapeCharacter(lines)
	var joined []string
	current, open := "", false
	for i := 0; i < len(lines); i++ {
		if isComment(strings.TrimSpace(lines[i])) {
			continue
		}
		piece, continued := strings.CutSuffix(strings.TrimRight(lines[i], " \t"), escape)
		current = joinPieces(current, piece)
		if open = continued; open {
			continue
		}
		body, length := hereDocuments(current, lines[i+1:])
		joined, current = append(joined, current+body), ""
		i += length
	}
	if open {
		joined = append(joined, current)
	}
	return joined
}

// joinPieces keeps words apart that are apart, and no more than one blank
// between them.
func joinPieces(a, b string) string {
	if a == "" || strings.TrimRight(a, " \t") == a && strings.TrimLeft(b, " \t") == b {
		return a + b
	}
	return strings.TrimRight(a, " \t") + " " + strings.TrimLeft(b, " \t")
}

var escapeDirective = regexp.MustCompile("(?i)^#\\s*escape\\s*=\\s*([\\\\`])\\s*$")

// escapeCharacter is a backslash, unless a directive in the comments at the top
// says otherwise.
func escapeCharacter(lines []string) string {
	for _, line := range lines {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			break
		}
		if found := escapeDirective.FindStringSubmatch(line); found != nil {
			return found[1]
		}
	}
	return `\`
}

var (
	takesHereDocument = regexp.MustCompile(`(?i)^\s*(RUN|COPY|ADD)\s`)
	hereDocument      = regexp.MustCompile(`\s\d*<<(-?)["']?([A-Za-z_][A-Za-z0-9_.]*)["']?`)
)

// hereDocuments are the documents that an instruction begins, on one line, and
// how many lines they take. The text of a here-document is not an instruction.
func hereDocuments(instruction string, following []string) (body string, length int) {
	if !takesHereDocument.MatchString(instruction) {
		return "", 0
	}
	for _, document := range hereDocument.FindAllStringSubmatch(instruction, -1) {
		end := endOfDocument(following[length:], document[2], document[1] == "-")
		if end < 0 {
			break
		}
		for _, line := range following[length : length+end] {
			body += " " + strings.TrimSpace(line)
		}
		length += end + 1
	}
	return body, length
}

func endOfDocument(lines []string, mark string, indented bool) int {
	for i, line := range lines {
		if indented {
			line = strings.TrimLeft(line, "\t")
		}
		if line == mark {
			return i
		}
	}
	return -1
}
