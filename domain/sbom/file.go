package sbom

// Type bits of File.Mode, as st_mode of POSIX has them.
const (
	ModeTypeMask  = 0o170000
	ModeRegular   = 0o100000
	ModeDirectory = 0o040000
	ModeSymlink   = 0o120000
	ModeBlock     = 0o060000
	ModeChar      = 0o020000
	ModeFIFO      = 0o010000
	ModeSetUID    = 0o004000
	ModeSetGID    = 0o002000
	ModeSticky    = 0o001000
)

// File is one entry of the squashed file system.
type File struct {
	Path string // absolute
	// Mode is st_mode: permissions with set-uid, set-gid and sticky bits, and
	// the type. A hard link has the mode of its target.
	Mode   uint32
	UID    int
	GID    int
	Size   int64  // bytes
	Link   string // target of a symbolic link
	SHA256 string // hexadecimal; "" for what is no regular file
	MD5    string // hexadecimal; only where a package database has MD5 digests
	SHA1   string // hexadecimal; only where a package database has SHA-1 digests
}

// Regular reports whether the entry is a regular file.
func (f File) Regular() bool { return f.Mode&ModeTypeMask == ModeRegular }
