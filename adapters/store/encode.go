package store

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Both are safe for concurrent use as long as only EncodeAll and DecodeAll are
// called.
var (
	compressor, _   = zstd.NewWriter(nil, zstd.WithWindowSize(1<<20))
	decompressor, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0))
)

func compress(document []byte) []byte { return compressor.EncodeAll(document, nil) }

func decompress(document []byte) ([]byte, error) {
	text, err := decompressor.DecodeAll(document, nil)
	if err != nil {
		return nil, fmt.Errorf("decompress a document: %w", err)
	}
	return text, nil
}

// pack encodes a document as compressed JSON.
func pack(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode a document: %w", err)
	}
	return compress(text), nil
}

// unpack is the inverse of pack; nothing gives the zero value.
func unpack[T any](document []byte) (T, error) {
	var value T
	if len(document) == 0 {
		return value, nil
	}
	text, err := decompress(document)
	if err != nil {
		return value, err
	}
	return parse[T](string(text))
}

// packExact is pack for what must keep texts that are not UTF-8, as paths in an
// image.
func packExact(value any) ([]byte, error) {
	var text bytes.Buffer
	if err := gob.NewEncoder(&text).Encode(value); err != nil {
		return nil, fmt.Errorf("encode a document: %w", err)
	}
	return compress(text.Bytes()), nil
}

func unpackExact[T any](document []byte) (T, error) {
	var value T
	text, err := decompress(document)
	if err != nil {
		return value, err
	}
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&value); err != nil {
		return value, fmt.Errorf("decode a document: %w", err)
	}
	return value, nil
}

// format is the JSON of small values that are kept readable.
func format(value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return string(text), nil
}

func parse[T any](text string) (T, error) {
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return value, fmt.Errorf("decode: %w", err)
	}
	return value, nil
}

// formatOptional is format for a pointer: "" for nil.
func formatOptional[T any](value *T) (string, error) {
	if value == nil {
		return "", nil
	}
	return format(value)
}

func parseOptional[T any](text string) (*T, error) {
	if text == "" {
		return nil, nil
	}
	value, err := parse[T](text)
	return &value, err
}

// toMicros is a time as it is stored: microseconds since 1970, 0 for the zero time.
func toMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is the inverse of stamp, in UTC.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// durationOf is a duration from its stored microseconds.
func durationOf(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond }
