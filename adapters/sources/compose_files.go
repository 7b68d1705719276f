package sources

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Accept, Load and Dir see every file before the library reads it: which of its texts
// name images is known before their variables are replaced.
func (c *compose) Accept(path string) bool {
	for _, start := range []string{"https://", "http://", "git@", "git://", "ssh://", "oci://", "github.com/"} {
		if strings.HasPrefix(path, start) {
			return true
		}
	}
	return c.noteNear(path)
}

// noteNear notes the file that the library is about to read. What an included file
// names is relative to that one, so it is looked for in all folders seen; one too many
// does no harm. It reports whether the file may not be read: then Load says so.
func (c *compose) noteNear(path string) (refused bool) {
	candidates := []string{path}
	if !filepath.IsAbs(path) {
		candidates = nil
		for _, folder := range c.folders {
			candidates = append(candidates, filepath.Join(folder, path))
		}
	}
	for _, file := range candidates {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || slices.Contains(c.noted, file) {
			continue
		}
		if c.MayRead != nil {
			if err := c.MayRead(file); err != nil {
				c.refused, refused = err, true
				continue
			}
		}
		_ = c.note(file) // the library says why it cannot be read
	}
	return refused || c.refused != nil
}

// Load refuses what lies elsewhere.
func (c *compose) Load(_ context.Context, path string) (string, error) {
	if c.refused != nil {
		return "", c.refused
	}
	if filepath.IsAbs(path) {
		return path, c.note(path)
	}
	return "", fmt.Errorf("%s lies outside of the worker, and is not fetched; have a copy of it beside the file that names it: %w", path, errkind.Invalid)
}

// The library calls Dir only for what Load has loaded.
func (c *compose) Dir(path string) string { return filepath.Dir(path) }

// note remembers the texts of a file that name images.
func (c *compose) note(path string) error {
	c.noted = append(c.noted, path)
	text, err := c.open(path)
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if !slices.Contains(c.folders, folder) {
		c.folders = append(c.folders, folder)
	}
	c.refused = cmp.Or(c.refused, c.checkVariables(filepath.Join(folder, ".env")))
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var content any
		err := decoder.Decode(&content)
		if errors.Is(err, io.EOF) {
			return c.refused
		}
		if err != nil {
			return fmt.Errorf("%s: %w: %w", path, err, errkind.Invalid)
		}
		c.noteImages(content)
		c.noteIncludes(path, content)
	}
}

// noteIncludes checks the files of variables that come with includes: the library opens
// them by itself.
func (c *compose) noteIncludes(path string, content any) {
	document, _ := content.(map[string]any)
	includes, _ := document["include"].([]any)
	for _, each := range includes {
		include, _ := each.(map[string]any)
		for _, name := range []string{"env_file", "project_directory"} {
			for _, text := range oneOrMore(include[name]) {
				if text == os.DevNull {
					continue // no file
				}
				file, err := c.included(path, name, text)
				if err != nil {
					c.refused = cmp.Or(c.refused, err)
					continue
				}
				if name == "project_directory" {
					c.folders = append(c.folders, file)
					file = filepath.Join(file, ".env")
				}
				c.refused = cmp.Or(c.refused, c.checkVariables(file))
			}
		}
	}
}

// included is the path that an include has for what is written under a key of it. Only in
// the project's own files it is known which folder it is relative to, and what the
// variables are.
func (c *compose) included(path, key, text string) (string, error) {
	missing := ""
	file, err := c.syntax.Expand(text, func(name string) (string, bool) {
		value, found := c.variables[name]
		if !found {
			missing = name
		}
		return value, true
	})
	switch {
	case err != nil:
		return "", err
	case missing != "":
		return "", fmt.Errorf("%s: %s of an include has the variable %s, which has no value: %w", path, key, missing, errkind.Invalid)
	case filepath.IsAbs(file):
		return file, nil
	case !slices.Contains(c.files, path):
		return "", fmt.Errorf("%s: %s of an include is relative in a file that is included itself; make it absolute: %w", path, key, errkind.Invalid)
	}
	return filepath.Join(c.folder, file), nil
}

func (c *compose) noteImages(content any) {
	switch value := content.(type) {
	case map[string]any:
		for key, inner := range value {
			if text, is := inner.(string); is && slices.Contains([]string{"image", "platform", "dockerfile", "context", "target", "source", "build"}, key) {
				c.images[text] = true
			}
			if key == "args" || key == "additional_contexts" || key == "labels" {
				c.noteTexts(inner)
			}
			c.noteImages(inner)
		}
	case []any:
		for _, inner := range value {
			c.noteImages(inner)
		}
	}
}

func (c *compose) noteTexts(content any) {
	switch value := content.(type) {
	case string:
		c.images[value] = true
	case map[string]any:
		for _, inner := range value {
			c.noteTexts(inner)
		}
	case []any:
		for _, inner := range value {
			c.noteTexts(inner)
		}
	}
}

// substitute replaces variables. Those without a value are left where an image is
// named, and empty elsewhere, as Compose has it.
func (c *compose) substitute(text string, lookup template.Mapping) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	if c.images[text] {
		return c.syntax.Expand(text, lookup)
	}
	return c.syntax.Expand(text, func(name string) (string, bool) {
		value, _ := lookup(name)
		return value, true
	})
}
