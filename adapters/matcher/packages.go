package matcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Packages reads the members of a group from its document, in the order of their
// indices.
func (m *Matcher) Packages(document []byte) ([]vuln.Package, error) {
	var members []member
	if err := json.Unmarshal(document, &members); err != nil {
		return nil, fmt.Errorf("decode group: %w: %w", errkind.Invalid, err)
	}
	return packagesOf(members), nil
}

// Release closes all builds but those to keep, when matches under way on
// them end.
func (m *Matcher) Release(keep ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	m.open = slices.DeleteFunc(m.open, func(o *opened) bool {
		if slices.Contains(keep, o.checksum) {
			return false
		}
		errs = append(errs, o.db.Close())
		return true
	})
	return errors.Join(errs...)
}
