package sources

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

// List finds the references of a list: one on each line, or YAML or JSON, which is a
// list or has one under images. Name is what the list is called, and decides by its end.
func List(text []byte, name string, platform image.Platform) ([]source.Found, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !structured(text, name) {
		return source.Order(listLines(text, path.Base(name), platform)), nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, err, errkind.Invalid)
	}
	items, err := itemsOf(&document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var found []source.Found
	for _, item := range items {
		found = append(found, listItem(item, path.Base(name), platform))
	}
	return source.Order(found), nil
}

func structured(text []byte, name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	case ".txt", ".list":
		return false
	}
	start := bytes.TrimSpace(text)
	for _, mark := range []string{"[", "{", "- ", "---", "images:"} {
		if bytes.HasPrefix(start, []byte(mark)) {
			return true
		}
	}
	return false
}

func listLines(text []byte, name string, platform image.Platform) (found []source.Found) {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		written, _, _ := strings.Cut(string(line), "#")
		if written = strings.TrimSpace(written); written != "" {
			found = append(found, source.Refer(written, name+":"+strconv.Itoa(number), platform))
		}
	}
	return found
}

// itemsOf is the list of a document.
func itemsOf(document *yaml.Node) ([]*yaml.Node, error) {
	if len(document.Content) == 0 {
		return nil, nil // an empty file lists nothing
	}
	top := resolved(document.Content[0])
	if top.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(top.Content); i += 2 {
			if top.Content[i].Value == "images" {
				top = resolved(top.Content[i+1])
				break
			}
		}
	}
	switch {
	case top.Kind == yaml.SequenceNode:
		return top.Content, nil
	case top.Kind == yaml.ScalarNode && top.Tag == "!!null":
		return nil, nil
	}
	return nil, fmt.Errorf("line %d: expected a list of references, or one under images: %w", top.Line, errkind.Invalid)
}

func resolved(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// itemKeys are those of an item that is a mapping, beside the choices.
var itemKeys = []string{"image", "platform"}

func listItem(node *yaml.Node, name string, platform image.Platform) source.Found {
	place := name + ":" + strconv.Itoa(node.Line)
	node = resolved(node)
	if node.Kind == yaml.ScalarNode {
		return source.Refer(node.Value, place, platform)
	}
	item := map[string]any{}
	if err := node.Decode(&item); err != nil {
		return source.Not(source.Invalid, "", place, "expected a reference, or a mapping with image")
	}
	written, _ := item["image"].(string)
	if text, has := item["platform"].(string); has {
		parsed, err := image.ParsePlatform(text)
		if err != nil {
			return source.Not(source.Invalid, written, place, errkind.Text(err))
		}
		if platform = parsed; parsed == image.DefaultPlatform {
			platform = image.Platform{}
		}
	}
	labels := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(item)) {
		if slices.Contains(itemKeys, key) {
			continue
		}
		labels[source.LabelPrefix+key] = joined(item[key])
	}
	return source.Refer(written, place, platform).With(labels)
}

// joined is a value as labels write it: a list is separated by commas.
func joined(value any) string {
	if many, is := value.([]any); is {
		return strings.Join(texts(many), ",")
	}
	return fmt.Sprint(value)
}
