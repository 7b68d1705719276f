package sources

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// environment is the project's: its .env file, and before it what the source says.
func (c *compose) environment() (types.Mapping, error) {
	variables := types.Mapping{}
	file := filepath.Join(c.folder, ".env")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		if err := c.checkVariables(file); err != nil {
			return nil, err
		}
		read, err := dotenv.GetEnvFromFile(c.Variables, []string{file})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, errkind.Invalid)
		}
		maps.Copy(variables, read)
	}
	maps.Copy(variables, c.Variables)
	return variables, nil
}

const (
	// largestVariable and mostInVariable bound one variable of a file, in bytes and in the
	// variables that it is made of.
	largestVariable, mostInVariable = 64 << 10, 200
	// mostVariables bounds the values that all are made of, in bytes.
	mostVariables = 4 << 20
)

// checkVariables refuses a file of variables that may not be read, or that stands for very
// much: the library reads it by itself, and knows no limit. It is read in the same way
// here, one variable after the other.
func (c *compose) checkVariables(file string) error {
	if slices.Contains(c.noted, file) {
		return nil
	}
	c.noted = append(c.noted, file)
	if c.MayRead != nil {
		if err := c.MayRead(file); err != nil {
			return err
		}
	}
	text, err := c.open(file)
	if errors.Is(err, errkind.NotFound) {
		return nil // the library says so if it has to be there
	}
	if err != nil {
		return err
	}
	lookup := func(name string) (string, bool) {
		value, found := c.known[name]
		if c.filled += len(value); c.filled > mostVariables {
			return "", found
		}
		return value, found
	}
	pending := ""
	for line := range strings.Lines(string(text)) {
		pending += line
		if len(pending) > largestVariable || strings.Count(pending, "$") > mostInVariable {
			return fmt.Errorf("%s: a variable has more than %d KiB, or is made of more than %d others: %w", file, largestVariable>>10, mostInVariable, errkind.Limit)
		}
		read, err := dotenv.ParseWithLookup(strings.NewReader(pending), lookup)
		if err != nil && strings.Contains(err.Error(), "unterminated quoted value") {
			continue // in this line
		}
		if err != nil {
			return fmt.Errorf("%s: %w: %w", file, err, errkind.Invalid)
		}
		if c.filled > mostVariables {
			return fmt.Errorf("%s: the values of variables that others are made of have more than %d MiB: %w", file, mostVariables>>20, errkind.Limit)
		}
		for name, value := range read {
			if before, found := c.known[name]; !found || len(value) > len(before) {
				c.known[name] = value
			}
		}
		pending = ""
	}
	return nil
}
