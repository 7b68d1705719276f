package postgres

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Lengths and codes of PostgreSQL's protocol
// (https://www.postgresql.org/docs/current/protocol-message-formats.html).
const (
	lengthSize = 4
	sslRequest = 80877103
	gssRequest = 80877104
)

// Commits returns a function that reads what a client sends on one connection
// without TLS, from its beginning and piece by piece, and reports whether a piece
// completes the request to commit a transaction.
func Commits() func(piece []byte) bool {
	var stream []byte
	started := false
	return func(piece []byte) (found bool) {
		stream = append(stream, piece...)
		for {
			prefix := 1 // the type, which the first message lacks
			if !started {
				prefix = 0
			}
			if len(stream) < prefix+lengthSize {
				return found
			}
			size := prefix + int(binary.BigEndian.Uint32(stream[prefix:]))
			if len(stream) < size || size < prefix+lengthSize {
				return found
			}
			message := stream[:size]
			stream = stream[size:]
			if started {
				found = found || commits(message[0], message[prefix+lengthSize:])
				continue
			}
			started = !asksForEncryption(message[lengthSize:])
		}
	}
}

// asksForEncryption is true of requests that may come before the first message.
func asksForEncryption(body []byte) bool {
	code := uint32(0)
	if len(body) == lengthSize {
		code = binary.BigEndian.Uint32(body)
	}
	return code == sslRequest || code == gssRequest
}

// commits reads a query, or the preparation of one, which is sent together with
// its execution.
func commits(kind byte, body []byte) bool {
	switch kind {
	case 'Q':
	case 'P':
		_, body, _ = bytes.Cut(body, []byte{0}) // the name
	default:
		return false
	}
	query, _, _ := bytes.Cut(body, []byte{0})
	return strings.EqualFold(strings.Trim(string(query), "; \n\t"), "COMMIT")
}
