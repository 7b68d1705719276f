package pkgdb

// checkAPK checks apk's list of installed packages: lines of a letter, a colon
// and a value, and an empty line after each package. See
// https://wiki.alpinelinux.org/wiki/Apk_spec.
func checkAPK(f File) (int, error) {
	read := newLines(f.Content)
	packages := map[[3]string]bool{}
	var current [3]string // name, version, architecture
	open := false
	for read.next() {
		if read.blank {
			if open && (current[0] == "" || current[1] == "") {
				return 0, f.damaged("the package before line %d has no name or no version", read.number)
			}
			if open {
				packages[current] = true
			}
			current, open = [3]string{}, false
			continue
		}
		if len(read.text) < 2 || read.text[1] != ':' || read.binary() {
			return 0, f.damaged("line %d is not a field: %s", read.number, read.quote())
		}
		open = true
		switch value := read.text[2:]; read.text[0] {
		case 'P':
			current[0] = value
		case 'V':
			current[1] = value
		case 'A':
			current[2] = value
		}
	}
	if read.err != nil {
		return 0, f.failed(read.err)
	}
	if open {
		return 0, f.damaged("it ends in the middle of package %q, after line %d", current[0], read.number)
	}
	return len(packages), nil
}
