//go:build !linux

package landlock

// Raise has nothing to do here.
func Raise(...string) error { return nil }

// Possible reports that there is none.
func Possible() bool { return false }
