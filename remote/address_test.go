package remote_test

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/remote"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, want string
		exposed    bool
	}{
		{"https://tagwatch.example.com", "https://tagwatch.example.com", false},
		{"https://tagwatch.example.com/", "https://tagwatch.example.com", false},
		{"https://example.com/tagwatch/api/v1/", "https://example.com/tagwatch", false},
		{"tagwatch.example.com:8236", "https://tagwatch.example.com:8236", false},
		{"http://tagwatch.example.com", "http://tagwatch.example.com", true},
		{"127.0.0.1:8236", "http://127.0.0.1:8236", false},
		{"[::1]:8236", "http://[::1]:8236", false},
		{"localhost:8236", "http://localhost:8236", false},
		{"https://localhost:8236", "https://localhost:8236", false},
	} {
		got, err := remote.Address(test.text)
		if err != nil || got.String() != test.want || remote.Exposed(got) != test.exposed {
			t.Errorf("%s is read as %v, %v", test.text, got, err)
		}
	}
	for _, text := range []string{"", "https://", "ftp://example.com", "https://user:hunter2@example.com", "https://example.com?token=hunter2", "https://example.com/#x", "https://exa mple.com:hunter2"} {
		if got, err := remote.Address(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s is read as %v, %v", text, got, err)
		}
	}
}
