package postgres

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// unprivileged is the user postgres if we are root, nil if we are not.
func unprivileged() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil // PostgreSQL then reports the error
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// makeDirectory makes the directory, owned by the user of the server.
func (s *Server) makeDirectory() error {
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		return err
	}
	if owner := unprivileged(); owner != nil {
		return os.Chown(s.dir, int(owner.Uid), int(owner.Gid))
	}
	return nil
}
