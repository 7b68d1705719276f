package webhook

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// The configuration that Anchore Engine ships takes values from the environment, as
// in ${ANCHORE_SERVICE_PORT}, which Anchore replaces before it parses the YAML. Here
// they are marked instead, so that they can be anywhere, and only the settings that
// are read need a value.
const markBegin, markEnd = "\uE000", "\uE001"

var (
	placeholder = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)
	marked      = regexp.MustCompile(markBegin + `([A-Za-z0-9_]+)` + markEnd)
)

// section is a mapping of the file, with its path.
type section struct {
	path   string
	nodes  map[string]yaml.Node
	lookup func(string) (string, bool)
}

// readAnchoreFile reads the outermost mapping.
func readAnchoreFile(config []byte, lookup func(string) (string, bool)) (section, error) {
	s := section{lookup: lookup}
	if err := yaml.Unmarshal(placeholder.ReplaceAll(config, []byte(markBegin+"$1"+markEnd)), &s.nodes); err != nil {
		return s, fmt.Errorf("read Anchore's configuration: %w: %w", errkind.Invalid, withoutValues(err))
	}
	return s, nil
}

// withoutValues drops errors of YAML that quote the content, which may be a password.
func withoutValues(err error) error {
	var mismatch *yaml.TypeError
	if errors.As(err, &mismatch) {
		return errors.New("it is not a mapping of settings")
	}
	return err
}

func (s section) key(name string) string { return strings.TrimPrefix(s.path+"."+name, ".") }

// wrong is the error of an invalid setting. It does not show the value, which may be
// a password.
func (s section) wrong(name, expected string) error {
	return fmt.Errorf("%s of Anchore's configuration: expected %s: %w", s.key(name), expected, errkind.Invalid)
}

// find is a setting; nil where it is not set.
func (s section) find(name string) *yaml.Node {
	node, found := s.nodes[name]
	if !found {
		return nil
	}
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return &node
}

func isNull(node *yaml.Node) bool { return node == nil || node.ShortTag() == "!!null" }

// inner is a mapping below; found is false where it is not set, or null.
func (s section) inner(name string) (below section, found bool, err error) {
	below = section{path: s.key(name), lookup: s.lookup}
	node := s.find(name)
	if isNull(node) {
		return below, false, nil
	}
	if err := node.Decode(&below.nodes); err != nil {
		return below, false, s.wrong(name, "a mapping")
	}
	return below, true, nil
}

// raw is a text with its placeholders; nil for null or not set.
func (s section) raw(name string) (*string, error) {
	node := s.find(name)
	if isNull(node) {
		return nil, nil
	}
	if node.Kind != yaml.ScalarNode {
		return nil, s.wrong(name, "a text")
	}
	return new(marked.ReplaceAllString(node.Value, "$${$1}")), nil
}

// text is a text with the values of its placeholders. Anchore inserts the values
// before it parses the file, so that the value null clears the setting.
func (s section) text(name string) (*string, error) {
	raw, err := s.raw(name)
	if err != nil || raw == nil {
		return nil, err
	}
	var missing []string
	value := placeholder.ReplaceAllStringFunc(*raw, func(each string) string {
		variable := each[2 : len(each)-1]
		value, found := s.lookup(variable)
		if !found {
			missing = append(missing, variable)
		}
		return value
	})
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s in Anchore's configuration uses the variable %s, which is not set; set it as for Anchore Engine, or to null for no value: %w",
			s.key(name), strings.Join(missing, ", "), errkind.Invalid)
	}
	if value != *raw && (value == "" || value == "null" || value == "~") {
		return nil, nil
	}
	return &value, nil
}

// truth is yes or no; nil for null or not set.
func (s section) truth(name string) (*bool, error) {
	text, err := s.text(name)
	if err != nil || text == nil {
		return nil, err
	}
	value, err := strconv.ParseBool(strings.ToLower(*text))
	if err != nil {
		return nil, s.wrong(name, "true or false")
	}
	return &value, nil
}
