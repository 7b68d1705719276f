package policy

import (
	"fmt"
	"math/big"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

var gateFiles = Gate{
	Name:        "files",
	Description: "Checks the names, contents and attributes of the image's files.",
	Triggers: []Trigger{
		{Name: "content_regex_match", check: fileContent,
			Description: "Fires for each file in which an expression of the configured content search was found.",
			Parameters: []Parameter{{Name: "regex_name", Type: Text, Example: "BAD_TEXT", hint: hintPattern,
				Description: "The name of the expression, or the expression itself, as configured; it is compared, not matched as a pattern. All if empty or not given."}}},
		{Name: "name_match", check: fileName,
			Description: "Fires for each file whose path matches.",
			Parameters: []Parameter{{Name: "regex", Type: Pattern, Required: true, Example: `.*\.pem`,
				Description: "Regular expression that matches from the start of the absolute path."}}},
		{Name: "attribute_match", check: fileAttributes,
			Description: "Fires if the file has all of the given attributes.",
			Parameters: []Parameter{
				{Name: "filename", Type: Text, Required: true, Example: "/etc/passwd",
					Description: "Absolute path of the file."},
				{Name: "checksum_algorithm", Type: Enum, Values: []string{"sha256"}, Default: "sha256", Example: "sha256",
					Description: "The algorithm of the checksum."},
				{Name: "checksum", Type: Text, Example: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
					Description: "Checksum to compare with that of the file. Not compared if not given."},
				{Name: "checksum_match", Type: Enum, Values: []string{"equals", "not_equals"}, Default: "equals", Example: "equals",
					Description: "How the checksums are compared."},
				{Name: "mode", Type: OctalMode, Example: "00644", hint: hintMode,
					Description: "Octal number to compare with the permission bits of the file, set-uid, set-gid and sticky among them. Not compared if empty or not given."},
				{Name: "mode_op", Type: Enum, Values: []string{"equals", "not_equals"}, Default: "equals", Example: "equals",
					Description: "How the permission bits are compared."},
				{Name: "skip_missing", Type: Boolean, Default: "true", Example: "true",
					Description: "Whether a file that is not in the image is passed over. If not, its absence fires."},
			}},
		{Name: "suid_or_guid_set", check: fileSetUID,
			Description: "Fires for each file and directory with the set-uid or set-gid bit."},
	},
}

func fileContent(c *check) error {
	wanted := c.value("regex_name")
	for hit := range each(c.memo.timeLimit, c.input.Inventory.ContentHits) {
		name, regex := splitSearch(hit.Expression)
		if wanted == "" || wanted == name || wanted == regex || wanted == hit.Expression {
			c.fire(fmt.Sprintf("File content analyzer found regexp match in container: file=%s regexp=%s", hit.Path, hit.Expression))
		}
	}
	return nil
}

func fileName(c *check) error {
	expression, err := c.pattern(c.value("regex"))
	if err != nil {
		return err
	}
	for file := range each(c.memo.timeLimit, c.input.Inventory.Files) {
		matched, err := expression.matchStart(file.Path)
		if err != nil {
			return err
		}
		if matched {
			c.fire(fmt.Sprintf("Application of regex matched file found in container: file=%s regexp=%s", file.Path, expression.text))
		}
	}
	return nil
}

func fileSetUID(c *check) error {
	for file := range each(c.memo.timeLimit, setUIDFiles(c)) {
		c.fire(fmt.Sprintf("SUID or SGID found set on file %s. Mode: %s", file.Path, pythonOctal(big.NewInt(int64(file.Mode)))))
	}
	return nil
}

func setUIDFiles(c *check) []sbom.File {
	return shared(c, "files set-uid", func() []sbom.File {
		var files []sbom.File
		for _, file := range c.input.Inventory.Files {
			if file.Mode&(sbom.ModeSetUID|sbom.ModeSetGID) != 0 {
				files = append(files, file)
			}
		}
		return files
	})
}
