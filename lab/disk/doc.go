// Package disk makes small file systems of their own, in memory, that can be
// filled.
package disk
