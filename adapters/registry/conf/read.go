package conf

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// maxFile is the size of the largest file that is read, in bytes.
const maxFile = 1 << 20

// document is the file as it is written. The first fields are those of other
// readers.
type document struct {
	Search        []string          `toml:"unqualified-search-registries"`
	ShortNames    *string           `toml:"short-name-mode"`
	Helpers       []string          `toml:"credential-helpers"`
	LayerHelper   *string           `toml:"additional-layer-store-auth-helper"`
	Aliases       map[string]string `toml:"aliases"`
	Registries    []writtenRegistry `toml:"registry"`
	Tagwatch      writtenTagwatch   `toml:"tagwatch"`
	FirstRevision any               `toml:"registries"` // version 1 of the form
}

type writtenRegistry struct {
	Prefix         string          `toml:"prefix"`
	Location       string          `toml:"location"`
	Insecure       bool            `toml:"insecure"`
	Blocked        bool            `toml:"blocked"`
	MirrorByDigest bool            `toml:"mirror-by-digest-only"`
	Mirrors        []writtenMirror `toml:"mirror"`
}

type writtenMirror struct {
	Location string `toml:"location"`
	Insecure bool   `toml:"insecure"`
	Pull     string `toml:"pull-from-mirror"`
}

type writtenTagwatch struct {
	Hosts map[string]writtenHost `toml:"host"`
}

type writtenHost struct {
	Rate        *float64 `toml:"requests-per-second"`
	Concurrency *int     `toml:"concurrency"`
	Proxy       *string  `toml:"proxy"`
	CAFile      string   `toml:"ca-file"`
	Certificate string   `toml:"client-certificate"`
	Key         string   `toml:"client-key"`
}

// Read reads a registries file with a function like os.ReadFile. An error names
// the place in it and what to write there. No path is a file that says nothing.
func Read(path string, read func(path string) ([]byte, error)) (*File, error) {
	if path == "" {
		return &File{}, nil
	}
	content, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("read registries file: %w", err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("registries file %s has more than %d bytes: %w", path, maxFile, errkind.Invalid)
	}
	var written document
	if err := toml.NewDecoder(bytes.NewReader(content)).DisallowUnknownFields().Decode(&written); err != nil {
		return nil, fmt.Errorf("registries file %s: %s: %w", path, explain(err), errkind.Invalid)
	}
	file, err := written.file()
	if err != nil {
		return nil, fmt.Errorf("registries file %s: %w: %w", path, err, errkind.Invalid)
	}
	file.Path = path
	return file, nil
}

// explain names the line and the key.
func explain(err error) string {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		var each []string
		for _, key := range unknown.Errors {
			line, _ := key.Position()
			each = append(each, fmt.Sprintf("line %d: unknown key %s", line, strings.Join(key.Key(), ".")))
		}
		return strings.Join(each, "; ") + "; see containers-registries.conf(5)"
	}
	var syntax *toml.DecodeError
	if errors.As(err, &syntax) {
		line, column := syntax.Position()
		said := strings.TrimPrefix(syntax.Error(), "toml: ")
		if key := strings.Join(syntax.Key(), "."); key != "" && !strings.Contains(said, key) {
			said = key + ": " + said
		}
		return fmt.Sprintf("line %d, column %d: %s", line, column, said)
	}
	return err.Error()
}

// file checks what is written and brings it into order.
func (d document) file() (*File, error) {
	if d.FirstRevision != nil {
		return nil, errors.New("registries: the first version of the form, with [registries.search] and its like, is not read; write [[registry]] with prefix and location")
	}
	file := &File{Ignored: d.ignored(), Hosts: map[string]Host{}}
	prefixes := map[string]string{}
	for i, written := range d.Registries {
		registry, err := written.registry(fmt.Sprintf("registry[%d]", i))
		if err != nil {
			return nil, err
		}
		if before, twice := prefixes[registry.Prefix]; twice {
			return nil, fmt.Errorf("%s.prefix: %s is that of %s already", registry.Section, registry.Prefix, before)
		}
		prefixes[registry.Prefix] = registry.Section
		file.Registries = append(file.Registries, registry)
	}
	for name, written := range d.Tagwatch.Hosts {
		path := fmt.Sprintf("tagwatch.host.%q", name)
		if err := checkLocation(path, name, false); err != nil {
			return nil, err
		}
		host, err := written.host(path)
		if err != nil {
			return nil, err
		}
		file.Hosts[strings.ToLower(name)] = host
	}
	return file, nil
}

func (d document) ignored() (keys []string) {
	for key, given := range map[string]bool{
		"unqualified-search-registries": d.Search != nil, "short-name-mode": d.ShortNames != nil, "aliases": d.Aliases != nil,
		"credential-helpers": d.Helpers != nil, "additional-layer-store-auth-helper": d.LayerHelper != nil,
	} {
		if given {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys
}
