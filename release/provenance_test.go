package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func octal(mode int64) string   { return strconv.FormatInt(mode, 8) }
func decimal(number int) string { return strconv.Itoa(number) }

// TestProvenance makes the provenance of a release of one file, signs it as
// .ci/release.sh does, and verifies it as docs/install.md says; a changed byte is noticed.
func TestProvenance(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen is missing")
	}
	dist := t.TempDir()
	archive := filepath.Join(dist, "tagwatch_1.0.0_linux_amd64.tar.gz")
	content := []byte("programs")
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	for path, content := range map[string][]byte{archive: content, filepath.Join(dist, "checksums.txt"): []byte(sum + "  " + filepath.Base(archive) + "\n")} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	arguments := []string{"provenance", "--dist", dist, "--version", commit.version, "--revision", commit.revision, "--date", "1767323045"}
	if err := run(t.Context(), arguments, io.Discard); err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(dist, "provenance.json"))
	if err != nil {
		t.Fatal(err)
	}
	var read statement
	if err := json.Unmarshal(document, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Subject) != 1 || read.Subject[0].Digest["sha256"] != sum || read.PredicateType != provenanceType {
		t.Errorf("provenance of %+v", read)
	}
	shell(t, dist, true, "ssh-keygen -q -t ed25519 -N '' -C '' -f key && echo \"releases@tagwatch $(cat key.pub)\" > allowed_signers",
		"ssh-keygen -q -Y sign -f key -n tagwatch-release checksums.txt && ssh-keygen -q -Y sign -f key -n tagwatch-release provenance.json")
	const verify = "ssh-keygen -Y verify -f allowed_signers -I releases@tagwatch -n tagwatch-release -s FILE.sig < FILE"
	checks := []string{strings.ReplaceAll(verify, "FILE", "checksums.txt"), strings.ReplaceAll(verify, "FILE", "provenance.json"), "sha256sum --check --ignore-missing checksums.txt"}
	shell(t, dist, true, checks...)
	for i, name := range []string{"checksums.txt", "provenance.json", filepath.Base(archive)} {
		changeByte(t, filepath.Join(dist, name))
		shell(t, dist, false, checks[i])
		changeByte(t, filepath.Join(dist, name)) // and back
	}
	shell(t, dist, true, checks...)
}

// shell runs commands, each of which must end as expected.
func shell(t *testing.T, folder string, succeeds bool, commands ...string) {
	t.Helper()
	for _, each := range commands {
		command := exec.CommandContext(t.Context(), "sh", "-c", each)
		command.Dir = folder
		if out, err := command.CombinedOutput(); (err == nil) != succeeds {
			t.Errorf("%s: %v\n%s", each, err, out)
		}
	}
}

func changeByte(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[0] ^= 1
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestNoChecksums(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{"": "names no file", "12 x\n": "not a SHA-256", strings.Repeat("a", 64) + " x\n": "not a SHA-256"} {
		if _, err := parseChecksums(content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error that says %q", content, err, want)
		}
	}
}
