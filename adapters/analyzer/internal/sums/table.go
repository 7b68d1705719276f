// Package sums keeps the digests of a layer's files in a file. The worker computes
// them once for each layer, for all images with that layer.
//
// The file is an array of records of one size, sorted by key: the first 16 bytes
// of the SHA-256 of the file's path in the layer, and the digest.
package sums

import (
	"bytes"
	"crypto/md5"  // of Debian's package database
	"crypto/sha1" // of Alpine's
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"sort"
)

// Algorithm digests files. It is part of the name of the file with the digests.
type Algorithm string

// The algorithms.
const (
	SHA256 Algorithm = "sha256"
	SHA1   Algorithm = "sha1"
	MD5    Algorithm = "md5"
	// Bundle is not a digest: it says whether a file may be an executable with a .NET
	// application in it.
	Bundle Algorithm = "bundle"
)

// New is a hash of the algorithm.
func (a Algorithm) New() hash.Hash {
	switch a {
	case MD5:
		return md5.New()
	case SHA1:
		return sha1.New()
	case Bundle:
		return newBundle()
	}
	return sha256.New()
}

// Digest digests content, in hexadecimal.
func Digest(content io.Reader, algorithm Algorithm) (string, error) {
	sum := algorithm.New()
	if _, err := io.Copy(sum, content); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (a Algorithm) size() int { return a.New().Size() }

const keySize = 16

type key [keySize]byte

// keyOf identifies a path as archives write it or as the image has it.
func keyOf(name string) key {
	sum := sha256.Sum256([]byte(path.Clean("/" + name)))
	return key(sum[:keySize])
}

// Table is the digests of one layer by one algorithm. The zero value is empty.
type Table struct {
	records []byte
	size    int // of a record
}

// Read reads a table. One that does not exist is empty.
func Read(name string, algorithm Algorithm) (Table, error) {
	records, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Table{}, nil
	}
	if err != nil {
		return Table{}, fmt.Errorf("read digests: %w", err)
	}
	table := Table{records: records, size: keySize + algorithm.size()}
	if len(records)%table.size != 0 {
		return Table{}, fmt.Errorf("read digests: %s ends within a record", name)
	}
	return table, nil
}

// Find is the digest of the file at a path, in hexadecimal; "" if the table does
// not have it.
func (t Table) Find(name string) string {
	if t.size == 0 {
		return ""
	}
	wanted, n := keyOf(name), len(t.records)/t.size
	i := sort.Search(n, func(i int) bool { return bytes.Compare(t.records[i*t.size:i*t.size+keySize], wanted[:]) >= 0 })
	if i == n || !bytes.HasPrefix(t.records[i*t.size:], wanted[:]) {
		return ""
	}
	return hex.EncodeToString(t.records[i*t.size+keySize : (i+1)*t.size])
}

// Holds reports whether the layer has a regular file at the path.
func (t Table) Holds(name string) bool { return t.Find(name) != "" }
