//go:build !linux

package landlock

// Raise does nothing here.
func Raise(...string) error { return nil }

// Possible is false here.
func Possible() bool { return false }
