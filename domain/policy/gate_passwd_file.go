package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// passwdPath is the file that the gate is about.
const passwdPath = "/etc/passwd"

var gatePasswdFile = Gate{
	Name:        "passwd_file",
	Description: "Checks the entries of the image's /etc/passwd, whose content the analysis keeps.",
	Triggers: []Trigger{
		{Name: "content_not_available", check: passwdUnavailable,
			Description: "Fires if the content of the file was not kept, or is empty."},
		{Name: "blacklist_usernames", check: passwdCheck(passwdName, "Blacklisted user '%s'", func(c *check) []string { return c.list("user_names") }),
			Description: "Fires for each entry with one of the user names.",
			Parameters: []Parameter{{Name: "user_names", Aliases: []string{"usernameblacklist"}, Type: List, Required: true, Example: "daemon,ftp",
				Description: "User names."}}},
		{Name: "blacklist_userids", check: passwdCheck(passwdUserID, "Blacklisted uid '%s'", func(c *check) []string { return texts(c.numbers("user_ids")) }),
			Description: "Fires for each entry with one of the user ids.",
			Parameters: []Parameter{{Name: "user_ids", Aliases: []string{"useridblacklist"}, Type: NumberList, Required: true, Example: "0,1",
				Description: "Numeric user ids."}}},
		{Name: "blacklist_groupids", check: passwdCheck(passwdGroupID, "Blacklisted gid '%s'", func(c *check) []string { return texts(c.numbers("group_ids")) }),
			Description: "Fires for each entry with one of the group ids.",
			Parameters: []Parameter{{Name: "group_ids", Type: NumberList, Required: true, Example: "999,20",
				Description: "Numeric group ids."}}},
		{Name: "blacklist_shells", check: passwdCheck(passwdShell, "Blacklisted shell '%s'", func(c *check) []string { return c.list("shells") }),
			Description: "Fires for each entry with one of the login shells.",
			Parameters: []Parameter{{Name: "shells", Type: List, Required: true, Example: "/bin/bash,/bin/zsh",
				Description: "Login shells."}}},
		{Name: "blacklist_full_entry", check: passwdCheck(passwdEntry, "Blacklisted pentry '%s'", func(c *check) []string { return []string{strings.TrimSpace(c.value("entry"))} }),
			Description: "Fires for each entry that is the given one.",
			Parameters: []Parameter{{Name: "entry", Type: Text, Required: true, Example: "ftp:x:14:50:FTP User:/var/ftp:/sbin/nologin",
				Description: "A complete line of the file."}}},
	},
}

// The fields of an entry that rules examine; passwdEntry is the whole entry.
const (
	passwdEntry   = -1
	passwdName    = 0
	passwdUserID  = 2
	passwdGroupID = 3
	passwdShell   = 6
)

func passwdUnavailable(c *check) error {
	if len(passwdLines(c)) == 0 {
		c.fire("Cannot locate /etc/passwd in image stored files archive: check analyzer settings.")
	}
	return nil
}

// passwdCheck fires for each entry whose field is one of the unwanted values.
// Entries that have no such field are damaged, and passed over.
func passwdCheck(field int, found string, unwanted func(*check) []string) func(*check) error {
	return func(c *check) error {
		values := map[string]bool{}
		for _, value := range unwanted(c) {
			values[value] = true
		}
		for line := range each(c.memo.timeLimit, passwdLines(c)) {
			if value, has := passwdField(line, field); has && values[value] {
				c.fire(fmt.Sprintf(found+" found in image's /etc/passwd: pentry=%s", value, line))
			}
		}
		return nil
	}
}

func passwdField(line string, field int) (string, bool) {
	if field == passwdEntry {
		return line, true
	}
	fields := strings.Split(line, ":")
	if field >= len(fields) {
		return "", false
	}
	return fields[field], true
}

// passwdLines are the entries, trimmed. All of a repeated user name count: a
// second line can give it other rights.
func passwdLines(c *check) []string {
	return shared(c, "passwd_file lines", func() []string {
		var lines []string
		for line := range strings.Lines(string(c.input.Inventory.Retrieved[passwdPath])) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
		return lines
	})
}

func texts(numbers []int) []string {
	var texts []string
	for _, number := range numbers {
		texts = append(texts, strconv.Itoa(number))
	}
	return texts
}
