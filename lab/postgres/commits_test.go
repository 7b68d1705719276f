package postgres_test

import (
	"encoding/binary"
	"testing"

	"github.com/tagwatch/tagwatch/lab/postgres"
)

// message is one of the protocol; the first of a connection has no kind.
func message(kind, body string) string {
	return kind + string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))) + body
}

func TestCommits(t *testing.T) {
	t.Parallel()
	startup := message("", "\x00\x03\x00\x00user\x00tagwatch\x00\x00")
	tests := []struct {
		name, sent string
		want       bool
	}{
		{"commit", startup + message("Q", "COMMIT\x00"), true},
		{"in other letters", startup + message("Q", "commit;\x00"), true},
		{"prepared", startup + message("P", "\x00COMMIT\x00\x00\x00"), true},
		{"after another", startup + message("Q", "BEGIN\x00") + message("Q", "COMMIT\x00"), true},
		{"after a request for encryption", message("", "\x04\xd2\x16\x2f") + startup + message("Q", "COMMIT\x00"), true},
		{"roll back", startup + message("Q", "ROLLBACK\x00"), false},
		{"in a text", startup + message("Q", "SELECT 'COMMIT'\x00"), false},
		{"not complete", startup + message("Q", "COMMIT\x00")[:9], false},
		{"of another kind", startup + message("B", "\x00COMMIT\x00\x00\x00"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			whole, pieces := postgres.Commits(), postgres.Commits()
			if got := whole([]byte(test.sent)); got != test.want {
				t.Errorf("sent at once: %v, want %v", got, test.want)
			}
			found := false
			for n := range test.sent {
				found = pieces([]byte(test.sent[n:n+1])) || found
			}
			if found != test.want {
				t.Errorf("sent byte by byte: %v, want %v", found, test.want)
			}
		})
	}
}
