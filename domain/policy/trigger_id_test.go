package policy

import "testing"

func TestTriggerID(t *testing.T) {
	t.Parallel()
	tests := []struct{ gate, trigger, message, want string }{
		{"files", "suid_or_guid_set", "SUID or SGID found set on file /usr/bin/su. Mode: 0o104755", "320a97c6816565eedf3545833df99dd0"},
		{"files", "suid_or_guid_set", "SUID or SGID found set on file /usr/bin/chfn. Mode: 0o104711", "ad4759bf9c3ce28f10d9d2f6eae51fa1"},
		{"files", "suid_or_guid_set", "SUID or SGID found set on file /usr/bin/wall. Mode: 0o102755", "7218d80206fb8d9c1f61ca5650e4e018"},
		{"files", "suid_or_guid_set", "SUID or SGID found set on file /usr/libexec/dbus-1/dbus-daemon-launch-helper. Mode: 0o104750", "3456a263793066e9b5063ada6e47917d"},
		{"files", "suid_or_guid_set", "SUID or SGID found set on file /usr/local. Mode: 0o42775", "8184a3fd4d19d4be5ce6ff8ccb7f3c0b"},
		{"files", "suid_or_guid_set", "SUID or SGID found set on file /var/mail. Mode: 0o42775", "da870e801836e419385f2f300713cf7f"},
		{"dockerfile", "no_dockerfile_provided", "Image was not analyzed with an actual Dockerfile", "b00b22232c1902075263067d2d2b8eea"},
		{"dockerfile", "instruction", "Dockerfile directive 'FROM' check '=' matched against 'a:1' for line 'a:1'", "60ccc9eabd4eb500cf6c625392f54a06"},
		{"dockerfile", "instruction", "Dockerfile directive 'LABEL' not found, matching condition 'not_exists' check", "1309d0e9ce0d1a54b1f591bad0b0b1c2"},
		{"dockerfile", "exposed_ports", "Dockerfile exposes port (22) which is in policy file DENIEDPORTS list", "cc05c35507995b4a657b63f9b0baa281"},
		{"dockerfile", "effective_user", "User root found as effective user, which is explicity not allowed", "cbff271f45d32e78dcc1979dbca9c14d"},
		{"files", "name_match", `Application of regex matched file found in container: file=/a/b.pem regexp=.*\.pem`, "2abcc9e24e442544ad1b9bac620c1fa3"},
		{"files", "attribute_match", "filename=/a/b.pem and mode=0o644 op=equals specified_mode=0o644", "e9fd58d1b4e24b5104095918167dae3a"},
		{"secret_scans", "content_regex_checks", "Secret content search analyzer did not find regexp match in container: filename_regex=* content_regex_name=all", "9715fd56c1801e0f2551b7970dcbf032"},
		{"passwd_file", "content_not_available", "Cannot locate /etc/passwd in image stored files archive: check analyzer settings.", "a03e8bea98bc473ccb1dc7471b201943"},
		{"passwd_file", "blacklist_shells", "Blacklisted shell '/bin/bash' found in image's /etc/passwd: pentry=root:x:0:0:root:/root:/bin/bash", "acb8110c066f80e1759e0722e87d8097"},
		{"retrieved_files", "content_not_available", "Cannot locate file in the image analysis", "013ff87ce9b12826800438355925acd3"},
		{"licenses", "blacklist_exact_match", "LICFULLMATCH Packages are installed that have blacklisted licenses: a(GPLv2+), a(MIT)", "110dbd9c501ad076793f35e4415bed59"},
		{"metadata", "attribute", "Attribute check for attribute: 'size' check: '>' check_value: '104857600' matched image value: '141455360'", "5834b09eb28e88da9b64163ad7548551"},
		{"malware", "scan_not_run", "No malware scans found for image", "7feaec55f790ab6b3edba15014b8b5f2"},
		{"vulnerabilities", "blacklist", "Blacklisted vulnerabilities detected: ['CVE-1', 'GHSA-2']", "f8bb5b5aa0f374dc27832bb7e0c14907"},
		{"vulnerabilities", "stale_feed_data", "The vulnerability feed for this image distro is older than MAXAGE (2) days", "deb3f1afb4ea0ddf587e6c62c341c6fa"},
		{"vulnerabilities", "vulnerability_data_unavailable", "Distro-specific feed data not found for distro namespace: debian:10. Cannot perform CVE scan OS/distro packages", "86fa1d788823cd10f205361f8493f38c"},
	}
	for _, tt := range tests {
		t.Run(tt.message, func(t *testing.T) {
			t.Parallel()
			if got := triggerID(tt.gate, tt.trigger, tt.message); got != tt.want {
				t.Errorf("trigger id %s, want %s", got, tt.want)
			}
		})
	}
}
