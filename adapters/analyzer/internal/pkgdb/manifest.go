package pkgdb

import "strings"

// manifestFields are the fields of a line, separated by tabs: name and version
// come first.
const manifestFields = 10

// checkManifest checks the list that images without rpm's database have.
func checkManifest(f File) (int, error) {
	read := newLines(f.Content)
	packages := map[string]bool{}
	for read.next() {
		fields := strings.Split(read.text, "\t")
		switch {
		case read.blank:
		case read.cut:
			return 0, f.damaged("it ends in the middle of line %d", read.number)
		case len(fields) < manifestFields || fields[0] == "" || strings.Count(fields[1], "-") != 1:
			return 0, f.damaged("line %d does not describe a package: %s", read.number, read.quote())
		default:
			packages[read.text] = true
		}
	}
	if read.err != nil {
		return 0, f.failed(read.err)
	}
	return len(packages), nil
}
