package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

const (
	helperPrefix = "docker-credential-"
	// maxHelperOutput is what a helper may say, in bytes.
	maxHelperOutput = 256 << 10
)

var helperName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// askHelper runs a credential helper, see
// https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol.
// What it prints is never shown: it may be the secret.
func askHelper(ctx context.Context, helper, server string) (credentials, error) {
	if !helperName.MatchString(helper) {
		return credentials{}, fmt.Errorf("the credential helper named in Docker's configuration, %q, is not a program name", helper)
	}
	program := helperPrefix + helper
	run := exec.CommandContext(ctx, program, "get")
	run.Stdin = strings.NewReader(server)
	run.WaitDelay = time.Second
	output := &bounded{}
	run.Stdout = output
	err := run.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return credentials{}, fmt.Errorf("credential helper %s is not in the PATH of the worker; install it, or take it out of Docker's configuration", program)
	case ctx.Err() != nil:
		return credentials{}, fmt.Errorf("credential helper %s: %w", program, context.Cause(ctx))
	case err != nil && strings.Contains(output.String(), "credentials not found"):
		return credentials{}, nil
	case err != nil:
		return credentials{}, fmt.Errorf("credential helper %s fails (%w); try: echo %s | %s get", program, err, server, program)
	}
	var answer struct{ Username, Secret string }
	if err := json.Unmarshal(output.Bytes(), &answer); err != nil {
		return credentials{}, fmt.Errorf("credential helper %s does not answer in the form of the protocol", program)
	}
	held := credentials{username: answer.Username, password: answer.Secret, source: source{kind: "helper", name: program, lasts: true}}
	if answer.Username == identityUser {
		held.identityToken, held.password = answer.Secret, ""
	}
	return held, nil
}

// bounded keeps the beginning of what is written to it.
type bounded struct{ bytes.Buffer }

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if room := maxHelperOutput - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}
