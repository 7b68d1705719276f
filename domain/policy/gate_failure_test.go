package policy

import (
	"errors"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// TestFailingExpressions evaluates what an upload would refuse: the rule must
// fail, and not pass.
func TestFailingExpressions(t *testing.T) {
	t.Parallel()
	image := withImage(sbom.Inventory{
		Dockerfile: sbom.Dockerfile{Text: "FROM a"},
		Files:      []sbom.File{{Path: "/file"}},
		Retrieved:  map[string][]byte{"/x": []byte("a")},
	})
	tests := []struct {
		name   string
		check  func(*check) error
		params map[string]string
	}{
		{"instruction", dockerfileInstruction, map[string]string{"instruction": "FROM", "check": "like", "value": "("}},
		{"file name", fileName, map[string]string{"regex": "("}},
		{"file mode", fileAttributes, map[string]string{"filename": "/file", "mode": "x"}},
		{"metadata", metadataAttribute, map[string]string{"attribute": "distro", "check": "like", "value": "("}},
		{"size", metadataAttribute, map[string]string{"attribute": "size", "check": ">", "value": "big"}},
		{"retrieved file", retrievedContent, map[string]string{"path": "/x", "check": "no_match", "regex": "("}},
		{"secret's file", secretContent, map[string]string{"match_type": "notfound", "filename_regex": "("}},
		{"location", vulnerablePackage, map[string]string{"package_type": "all", "package_path_exclude": "("}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &check{input: image, memo: newMemo(noTimeLimit(), nil), params: test.params}
			if err := test.check(c); !errors.Is(err, errkind.Invalid) {
				t.Errorf("error %v, want one about an invalid value", err)
			}
			if len(c.firings) > 0 {
				t.Errorf("fired %v, want nothing", c.firings)
			}
		})
	}
}
