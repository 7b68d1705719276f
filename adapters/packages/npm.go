package packages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"

	"github.com/tagwatch/tagwatch/domain/policy"
)

var npmDialect = dialect{
	// Abbreviated metadata where the registry has it: a tenth of the full one.
	accept:      "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8",
	publishable: isNPMName,
	path:        url.PathEscape,
	read:        readNPM,
}

// npmName matches the names that npm accepts, and those with capitals that it once
// accepted. See https://docs.npmjs.com/cli/configuring-npm/package-json#name.
var npmName = regexp.MustCompile(`^(@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~!'()*-]*$`)

// The longest name that npm accepts, in bytes.
const maxNPMName = 214

func isNPMName(name string) bool { return len(name) <= maxNPMName && npmName.MatchString(name) }

// readNPM reads the names of the versions, in the order of the document, and the
// latest. It skips everything else, one version at a time: the documents of busy
// packages have many megabytes.
func readNPM(body io.Reader) (policy.Published, error) {
	var published policy.Published
	var tags struct {
		Latest string `json:"latest"`
	}
	found := false
	decoder := json.NewDecoder(body)
	err := eachField(decoder, func(key string) error {
		switch key {
		case "dist-tags":
			return decoder.Decode(&tags)
		case "versions":
			found = true
			return eachField(decoder, func(version string) error {
				published.Versions = append(published.Versions, version)
				return skip(decoder)
			})
		}
		return skip(decoder)
	})
	switch published.Latest = tags.Latest; {
	case err != nil:
		return policy.Published{}, err
	case !found:
		return policy.Published{}, errors.New(`it has no "versions"`)
	case len(published.Versions) > 0 && tags.Latest == "":
		return policy.Published{}, errors.New(`it has no tag "latest"`)
	}
	return published, nil
}

// eachField calls visit for each field of an object; visit has to read the value.
func eachField(decoder *json.Decoder, visit func(key string) error) error {
	if err := delimiter(decoder, '{'); err != nil {
		return err
	}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		if err := visit(token.(string)); err != nil { // a key is a string
			return err
		}
	}
	return delimiter(decoder, '}')
}

func delimiter(decoder *json.Decoder, want json.Delim) error {
	token, err := decoder.Token()
	if err == nil && token != want {
		err = fmt.Errorf("expected %[2]v, got %[1]v", token, want)
	}
	return err
}

func skip(decoder *json.Decoder) error {
	var value json.RawMessage
	return decoder.Decode(&value)
}
