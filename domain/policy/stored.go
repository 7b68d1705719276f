package policy

import (
	"time"
)

// StoredBundle is a stored policy bundle.
type StoredBundle struct {
	ID       string
	Name     string
	Hash     string
	Document []byte
	Active   bool
	Created  time.Time
	Updated  time.Time
}
