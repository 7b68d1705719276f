package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

// An answer is the receiver's own text, and the Web UI renders Markdown.
func TestEndpointDetailsShowAnswersAsTheyAre(t *testing.T) {
	t.Parallel()
	hostile := "HTTP 500: | ![](http://tracker.example.com/x.png) [click](javascript:alert(1)) <img src=x>\n# `a`"
	details := endpointDetails(EndpointState{At: time.Unix(1, 0), Last: delivery.Round{Pending: 1, State: delivery.EndpointState{FailingSince: time.Unix(0, 0), LastAnswer: hostile}}})
	for _, markup := range []string{" ![", " [click", " <img", "http://", " `"} {
		if strings.Contains(details, markup) {
			t.Errorf("%q is markup in\n%s", markup, details)
		}
	}
	if row := "| **Last answer** | HTTP 500\\: \\| "; !strings.Contains(details, row) {
		t.Errorf("no row %q in\n%s", row, details)
	}
}
