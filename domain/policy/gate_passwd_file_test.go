package policy

import "testing"

func TestPasswdFile(t *testing.T) {
	t.Parallel()
	const (
		root   = "root:x:0:0:root:/root:/bin/bash"
		daemon = "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin"
		again  = "root:x:0:7::/:/bin/sh"
	)
	image := withRetrieved("/etc/passwd", root+"\n\n  "+daemon+"  \r\nshort:x\n"+again)
	pentry := func(what, line string) string {
		return "Blacklisted " + what + " found in image's /etc/passwd: pentry=" + line
	}
	testTrigger(t, "passwd_file", "content_not_available", []gateTest{
		{"available", nil, image, nil},
		{"not kept", nil, input(), []string{"Cannot locate /etc/passwd in image stored files archive: check analyzer settings."}},
		{"no entries", nil, withRetrieved("/etc/passwd", "\n \n"), []string{"Cannot locate /etc/passwd in image stored files archive: check analyzer settings."}},
	})
	testTrigger(t, "passwd_file", "blacklist_usernames", []gateTest{
		{"every line of a name", []string{"user_names", "root,ftp"}, image, []string{pentry("user 'root'", root), pentry("user 'root'", again)}},
		{"alias", []string{"usernameblacklist", "daemon"}, image, []string{pentry("user 'daemon'", daemon)}},
		{"not kept", []string{"user_names", "root"}, input(), nil},
	})
	testTrigger(t, "passwd_file", "blacklist_userids", []gateTest{
		{"ids", []string{"user_ids", "01, 0"}, image, []string{pentry("uid '0'", root), pentry("uid '1'", daemon), pentry("uid '0'", again)}},
		{"alias", []string{"useridblacklist", "1"}, image, []string{pentry("uid '1'", daemon)}},
	})
	testTrigger(t, "passwd_file", "blacklist_groupids", []gateTest{
		{"ids", []string{"group_ids", "7,8"}, image, []string{pentry("gid '7'", again)}},
	})
	testTrigger(t, "passwd_file", "blacklist_shells", []gateTest{
		{"shells", []string{"shells", "/bin/bash,/bin/zsh"}, image, []string{pentry("shell '/bin/bash'", root)}},
	})
	testTrigger(t, "passwd_file", "blacklist_full_entry", []gateTest{
		{"entry", []string{"entry", " " + daemon + " "}, image, []string{pentry("pentry '"+daemon+"'", daemon)}},
		{"part of an entry", []string{"entry", "root:x"}, image, nil},
	})
}
