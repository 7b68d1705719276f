package policy

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
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
	// Note is what changed, for people; only for saving, and "" if nobody says.
	Note string
}

// BundleVersion is a content that a stored bundle has, or has had.
type BundleVersion struct {
	Number int // from 1
	Hash   string
	Note   string // what changed, in words; "" if a person did not say
	Saved  time.Time
}

// Activation asks to make a stored bundle the active one.
type Activation struct {
	Bundle string
	// By is who asks.
	By audit.Actor `json:",omitzero"`
}
