// Package sources reads what runs and what is built: Dockerfiles, Compose projects and
// lists, as files of the worker or from a web server, and says which images they name.
// A reference that cannot be followed is returned with its reason.
package sources

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

// Build is what a Dockerfile is built with.
type Build struct {
	// Args are the build arguments.
	Args map[string]string
	// Target is the stage that is built; empty for the last.
	Target string
	// Platform is what is built for, and on; zero for the default.
	Platform image.Platform
	// Contexts are named build contexts: a name that a stage or an image has in the
	// Dockerfile, and what takes its place.
	Contexts map[string]string
}

// Dockerfile finds the images that a Dockerfile is built from, and those that it copies
// or mounts files of. Place is the name that stands before the number of the line.
func Dockerfile(text []byte, place string, build Build) ([]source.Found, error) {
	lines, escape, err := instructions(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	d := dockerfile{place: place, build: build, syntax: source.Syntax{Escape: escape}, global: platformArgs(build.Platform)}
	for _, line := range lines {
		if d.read(line); d.failed != nil {
			return nil, fmt.Errorf("%s: %w", d.at(line.number), d.failed)
		}
	}
	if len(d.stages) == 0 {
		return nil, fmt.Errorf("%s has no FROM instruction: %w", place, errkind.Invalid)
	}
	return source.Order(d.found), nil
}

// dockerfile is what is known of a Dockerfile at one of its instructions.
type dockerfile struct {
	place  string
	build  Build
	syntax source.Syntax
	global map[string]string // arguments before the first FROM
	stage  map[string]string // arguments of the stage
	stages []string          // their names, in lower case
	found  []source.Found
	failed error // what ends the reading
}

// platformArgs are the arguments that the builder gives a value to.
func platformArgs(platform image.Platform) map[string]string {
	p := platform.OrDefault()
	args := map[string]string{}
	for _, side := range []string{"TARGET", "BUILD"} {
		args[side+"PLATFORM"], args[side+"OS"], args[side+"ARCH"], args[side+"VARIANT"] = p.String(), p.OS, p.Architecture, p.Variant
	}
	return args
}

func (d *dockerfile) read(line instruction) {
	switch line.word {
	case "ONBUILD":
		word, rest, _ := strings.Cut(line.rest, " ")
		d.read(instruction{line.number, strings.ToUpper(word), strings.TrimSpace(rest)})
	case "ARG":
		d.arguments(line.rest)
	case "ENV":
		d.environment(line.rest)
	case "FROM":
		d.from(line)
	case "COPY", "ADD":
		d.copied(line, "--from=")
	case "RUN":
		for _, word := range flags(line.rest) {
			if mount, is := strings.CutPrefix(word, "--mount="); is {
				for option := range strings.SplitSeq(mount, ",") {
					d.copied(instruction{line.number, line.word, "--" + option}, "--from=")
				}
			}
		}
	}
}

// arguments declares build arguments: given ones have the given value.
func (d *dockerfile) arguments(text string) {
	for _, word := range split(text, true) {
		name, value, has := strings.Cut(word, "=")
		scope := d.global
		if len(d.stages) > 0 {
			scope = d.stage
		}
		if given, found := d.build.Args[name]; found {
			scope[name] = given
		} else if has {
			scope[name] = d.expand(unquote(value), scope)
		} else if inherited, found := d.global[name]; found {
			scope[name] = inherited
		}
	}
}

func (d *dockerfile) environment(text string) {
	for _, word := range words(text) {
		if name, value, has := strings.Cut(word, "="); has && d.stage != nil {
			d.stage[name] = d.expand(unquote(value), d.stage)
		}
	}
}

func (d *dockerfile) expand(text string, scope map[string]string) string {
	expanded, err := d.syntax.Expand(text, func(name string) (string, bool) {
		value, found := scope[name]
		return value, found
	})
	d.failed = cmp.Or(d.failed, err)
	return expanded
}

func (d *dockerfile) from(line instruction) {
	given := split(line.rest, true)
	var platform string
	for len(given) > 0 && strings.HasPrefix(given[0], "--") {
		if value, is := strings.CutPrefix(given[0], "--platform="); is {
			platform = unquote(value)
		}
		given = given[1:]
	}
	name := strconv.Itoa(len(d.stages))
	if len(given) >= 3 && strings.EqualFold(given[1], "AS") {
		name = strings.ToLower(given[2])
	}
	if len(given) > 0 {
		d.add(line.number, d.expand(unquote(given[0]), d.global), d.expand(platform, d.global))
	} else {
		d.found = append(d.found, source.Not(source.Invalid, "FROM", d.at(line.number), "FROM names nothing"))
	}
	d.stages = append(d.stages, name)
	d.stage = map[string]string{}
	for _, name := range slices.Collect(maps.Keys(platformArgs(d.build.Platform))) {
		d.stage[name] = d.global[name]
	}
}

// copied reads what an instruction takes out of an image.
func (d *dockerfile) copied(line instruction, flag string) {
	for _, word := range flags(line.rest) {
		if from, is := strings.CutPrefix(word, flag); is {
			d.add(line.number, d.expand(unquote(from), d.stage), "")
		}
	}
}

func (d *dockerfile) at(line int) string { return d.place + ":" + strconv.Itoa(line) }

// add notes what stands in one place.
func (d *dockerfile) add(line int, text, platform string) {
	place := d.at(line)
	if index := slices.Index(d.stages, strings.ToLower(text)); index >= 0 {
		d.found = append(d.found, source.Not(source.Stage, text, place, ""))
		return
	}
	if number, err := strconv.Atoi(text); err == nil {
		if number < 0 || number >= len(d.stages) {
			d.found = append(d.found, source.Not(source.Invalid, text, place, "there is no stage of that number before it"))
			return
		}
		d.found = append(d.found, source.Not(source.Stage, text, place, d.stages[number]))
		return
	}
	if context, named := d.build.Contexts[text]; named {
		taken, is := strings.CutPrefix(context, "docker-image://")
		if !is {
			d.found = append(d.found, source.Not(source.NotAnImage, text, place, "the build context "+context))
			return
		}
		text = taken
	}
	selected := d.build.Platform
	if platform != "" {
		parsed, err := image.ParsePlatform(platform)
		if left := source.Variables(platform); len(left) > 0 {
			d.found = append(d.found, source.Not(source.NoValue, text, place, strings.Join(left, ", ")))
			return
		}
		if err != nil {
			d.found = append(d.found, source.Not(source.Invalid, text, place, errkind.Text(err)))
			return
		}
		// The default platform of a stage is the requested one.
		if selected = parsed; d.build.Platform == (image.Platform{}) && parsed == image.DefaultPlatform {
			selected = image.Platform{}
		}
	}
	d.found = append(d.found, source.Refer(text, place, selected))
}

// instruction is one of a Dockerfile, in one line, without the documents that it
// carries.
type instruction struct {
	number int // of its first line
	word   string
	rest   string
}

var directive = regexp.MustCompile(`^#\s*([a-zA-Z]+)\s*=\s*(\S+)\s*$`)

// instructions reads a Dockerfile: lines that are continued become one, comments and
// here-documents are left out.
func instructions(text []byte) (all []instruction, escape byte, err error) {
	lines := strings.Split(strings.ReplaceAll(string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))), "\r\n", "\n"), "\n")
	escape = '\\'
	for _, line := range lines {
		match := directive.FindStringSubmatch(strings.TrimSpace(line))
		if match == nil {
			break
		}
		if strings.EqualFold(match[1], "escape") && match[2] == "`" {
			escape = '`'
		}
	}
	for i := 0; i < len(lines); i++ {
		if blank(lines[i]) {
			continue
		}
		first, joined := i, ""
		for ; i < len(lines); i++ {
			if blank(lines[i]) {
				continue // also between the lines of one instruction
			}
			part, more := strings.CutSuffix(strings.TrimRight(lines[i], " \t"), string(escape))
			if joined += part; !more {
				break
			}
		}
		word, rest, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(joined), "\t", " "), " ")
		instruction := instruction{first + 1, strings.ToUpper(word), strings.TrimSpace(rest)}
		all = append(all, instruction)
		for _, end := range documents(instruction) {
			if i, err = after(lines, i+1, end, first+1); err != nil {
				return nil, 0, err
			}
		}
	}
	return all, escape, nil
}

func blank(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#'
}

// document ends a here-document; tabs before it may be left out.
type document struct {
	end  string
	tabs bool
}

var opening = regexp.MustCompile(`^\d*<<(-?)([^<]+)$`)

// documents are the here-documents that follow an instruction.
func documents(line instruction) (ends []document) {
	if !slices.Contains([]string{"RUN", "COPY", "ADD", "ONBUILD"}, line.word) {
		return nil
	}
	for _, word := range words(line.rest) {
		if match := opening.FindStringSubmatch(word); match != nil {
			ends = append(ends, document{unquote(match[2]), match[1] != ""})
		}
	}
	return ends
}

// after is the line on which a document ends.
func after(lines []string, from int, end document, start int) (int, error) {
	for i := from; i < len(lines); i++ {
		line := lines[i]
		if end.tabs {
			line = strings.TrimLeft(line, "\t")
		}
		if line == end.end {
			return i, nil
		}
	}
	return 0, fmt.Errorf("the here-document %q of line %d does not end: %w", end.end, start, errkind.Invalid)
}

// words splits a text at its spaces, quotes kept together and left in.
func words(text string) []string { return split(text, false) }

// split does so, and can keep what stands in braces together: a
// variable with its default, a template.
func split(text string, braces bool) (all []string) {
	var word strings.Builder
	var quote byte
	depth := 0
	for i := range len(text) {
		c := text[i]
		switch {
		case braces && c == '{':
			depth++
		case braces && c == '}':
			depth--
		case quote == 0 && depth <= 0 && (c == ' ' || c == '\t'):
			if word.Len() > 0 {
				all = append(all, word.String())
			}
			word.Reset()
			continue
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
		word.WriteByte(c)
	}
	if word.Len() > 0 {
		all = append(all, word.String())
	}
	return all
}

// flags are the words that an instruction begins with, up to the first that is none.
func flags(text string) (all []string) {
	for _, word := range words(text) {
		if !strings.HasPrefix(word, "--") {
			break
		}
		all = append(all, word)
	}
	return all
}

func unquote(text string) string {
	for _, quote := range []string{`"`, `'`} {
		if inner, ok := strings.CutPrefix(text, quote); ok && strings.HasSuffix(inner, quote) {
			return strings.TrimSuffix(inner, quote)
		}
	}
	return cmp.Or(strings.Trim(text, `"`), text)
}
