package feed

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/anchore/grype/grype/db/v6/distribution"
)

// Lie changes what is published so that it is no longer true or whole.
type Lie func(*publication) error

// NoChecksum leaves the checksum out of the listing.
func NoChecksum(p *publication) error { p.listing.Checksum = ""; return nil }

// WrongChecksum lists a checksum that no archive has.
func WrongChecksum(p *publication) error {
	p.listing.Checksum = "sha256:" + strings.Repeat("0", sha256.Size*2)
	return nil
}

// ClaimBuilt lists another build time than the database has.
func ClaimBuilt(at time.Time) Lie {
	return func(p *publication) error {
		p.listing.Built.Time = at.UTC()
		return nil
	}
}

// ClaimModel lists another model of the schema than the database has.
func ClaimModel(model int) Lie {
	return func(p *publication) error {
		p.listing.SchemaVersion.Model = model
		return nil
	}
}

// StateStatus lists another status of the database than "active".
func StateStatus(status string) Lie {
	return func(p *publication) error {
		p.listing.Status = distribution.Status(status)
		return nil
	}
}

// Corrupt damages the archive under its true checksum.
func Corrupt(p *publication) error {
	damaged := bytes.Clone(p.archive)
	damaged[len(damaged)/2] ^= 0xff
	p.archive = damaged
	return nil
}

// Truncate cuts the archive in half under the checksum of the whole.
func Truncate(p *publication) error {
	p.archive = p.archive[:len(p.archive)/2]
	return nil
}

// Junk replaces the database in the archive by something else. The checksum in the
// listing is right.
func Junk(p *publication) error {
	var err error
	p.archive, err = compress([]byte("not a database"))
	p.listing.Checksum = checksum(p.archive)
	return err
}
