package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tagwatch/tagwatch/starter/exit"
)

// Login is what tagwatch login stores.
type Login struct {
	Server string `json:"server"`
	Token  string `json:"token"`
	// CAFile has further certificate authorities to trust; may be empty.
	CAFile string `json:"ca_file,omitempty"`
}

// loginFile is where the login is stored.
func loginFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", exit.Unable(fmt.Errorf("find the directory of the user's settings: %w; set XDG_CONFIG_HOME", err))
	}
	return filepath.Join(dir, "tagwatch", "login.json"), nil
}

// ReadLogin is the stored login; empty without one.
func ReadLogin() (login Login, err error) {
	file, err := loginFile()
	if err != nil {
		return login, err
	}
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return login, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &login)
	}
	if err != nil {
		return login, exit.Unable(fmt.Errorf("read what tagwatch login stored in %s: %w; remove it with: tagwatch logout", file, err))
	}
	return login, nil
}

// Save stores the login where only this user can read it, all of it or nothing. It returns
// the name of the file.
func (l Login) Save() (string, error) {
	file, err := loginFile()
	if err != nil {
		return "", err
	}
	content, err := json.MarshalIndent(l, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = replace(file, append(content, '\n'))
	}
	if err != nil {
		return "", exit.Unable(fmt.Errorf("store the login: %w", err))
	}
	return file, nil
}

func replace(file string, content []byte) error {
	written, err := os.CreateTemp(filepath.Dir(file), "login-*.json") // for this user only
	if err != nil {
		return err
	}
	defer os.Remove(written.Name()) // fails once it has its name
	_, err = written.Write(content)
	if err := errors.Join(err, written.Close()); err != nil {
		return err
	}
	return os.Rename(written.Name(), file)
}

// RemoveLogin forgets the login; false if there was none.
func RemoveLogin() (bool, error) {
	file, err := loginFile()
	if err != nil {
		return false, err
	}
	err = os.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, exit.Unable(fmt.Errorf("remove the login: %w", err))
	}
	return true, nil
}
