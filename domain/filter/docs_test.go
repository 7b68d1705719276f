package filter_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/filter"
)

// TestDocumented: the document lists every name that an expression can have, as the
// command line does.
func TestDocumented(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range filter.Variables {
		of := "notification"
		if v.OfFinding {
			of = "finding"
		}
		if row := fmt.Sprintf("| `%s` | %s | %s | %s |", v.Name, of, v.Type, v.Description); !strings.Contains(string(document), row) {
			t.Errorf("docs/webhooks.md lacks the row\n%s", row)
		}
	}
}
