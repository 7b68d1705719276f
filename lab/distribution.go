package lab

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Distribution is the registry of the CNCF, the one that most others descend
// from, as a process of its own on the loopback interface. See
// https://distribution.github.io/distribution/about/configuration/.
type Distribution struct {
	host  string
	run   *exec.Cmd
	ended chan error
}

// DistributionOptions configure a Distribution. The zero value is open to everybody,
// over plain HTTP.
type DistributionOptions struct {
	Authority   *Authority // TLS, with a certificate of this authority
	ClientsOf   *Authority // only clients with a certificate of this authority
	User, Pass  string     // basic authentication
	Tokens      *TokenService
	PullThrough string // URL of the registry of which it is a cache
	Events      EventSink
}

// StartDistribution starts a program of Distribution, with its files in a directory.
func StartDistribution(program, directory string, options DistributionOptions) (*Distribution, error) {
	configuration, err := options.write(directory)
	if err != nil {
		return nil, fmt.Errorf("configure Distribution: %w", err)
	}
	d := &Distribution{run: exec.Command(program, "serve", configuration), ended: make(chan error, 1)}
	log, err := d.run.StderrPipe()
	if err != nil {
		return nil, err
	}
	d.run.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	if err := d.run.Start(); err != nil {
		return nil, fmt.Errorf("start Distribution: %w", err)
	}
	lines := bufio.NewScanner(log)
	if d.host, err = listening(lines); err != nil {
		return nil, errors.Join(err, d.run.Process.Kill(), d.run.Wait())
	}
	go func() {
		for lines.Scan() { // a full pipe would block it
		}
		d.ended <- d.run.Wait()
	}()
	return d, nil
}

var listens = regexp.MustCompile(`listening on (127\.0\.0\.1:[0-9]+)`)

// listening reads the log up to the line with the address.
func listening(lines *bufio.Scanner) (string, error) {
	var read []string
	for lines.Scan() {
		if found := listens.FindStringSubmatch(lines.Text()); found != nil {
			return found[1], nil
		}
		read = append(read, lines.Text())
	}
	return "", fmt.Errorf("Distribution ended before it listened: %s", strings.Join(read, "; "))
}

// Host is its address with the port.
func (d *Distribution) Host() string { return d.host }

// Close stops it.
func (d *Distribution) Close() error {
	if err := d.run.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop Distribution: %w", err)
	}
	<-d.ended // with the signal that was just sent
	return nil
}

// write writes the configuration and the files that it names.
func (o DistributionOptions) write(directory string) (path string, err error) {
	var text strings.Builder
	fmt.Fprintf(&text, "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\nstorage:\n  filesystem: {rootdirectory: %q}\n  delete: {enabled: true}\n",
		filepath.Join(directory, "data"))
	fmt.Fprint(&text, "http:\n  addr: 127.0.0.1:0\n  secret: lab\n")
	for _, part := range []func(string) (string, error){o.tls, o.authentication, o.notifications} {
		written, err := part(directory)
		if err != nil {
			return "", err
		}
		text.WriteString(written)
	}
	if o.PullThrough != "" {
		fmt.Fprintf(&text, "proxy:\n  remoteurl: %s\n", o.PullThrough)
	}
	path = filepath.Join(directory, "config.yml")
	return path, os.WriteFile(path, []byte(text.String()), 0o600)
}

func (o DistributionOptions) tls(directory string) (string, error) {
	if o.Authority == nil {
		return "", nil
	}
	certificate, key, err := o.Authority.Write(directory, "server")
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("  tls:\n    certificate: %q\n    key: %q\n", certificate, key)
	if o.ClientsOf != nil {
		file := filepath.Join(directory, "clients.crt")
		text += fmt.Sprintf("    clientcas: [%q]\n", file)
		err = os.WriteFile(file, o.ClientsOf.PEM(), 0o600)
	}
	return text, err
}

func (o DistributionOptions) authentication(directory string) (string, error) {
	switch {
	case o.Tokens != nil:
		file := filepath.Join(directory, "tokens.crt")
		return fmt.Sprintf("auth:\n  token: {realm: %q, service: %s, issuer: %s, rootcertbundle: %q}\n", o.Tokens.Realm(), tokenAbout, tokenIssuer, file),
			os.WriteFile(file, o.Tokens.PEM(), 0o600)
	case o.User != "":
		hash, err := bcrypt.GenerateFromPassword([]byte(o.Pass), bcrypt.MinCost)
		if err != nil {
			return "", err
		}
		file := filepath.Join(directory, "htpasswd")
		return fmt.Sprintf("auth:\n  htpasswd: {realm: lab, path: %q}\n", file), os.WriteFile(file, []byte(o.User+":"+string(hash)+"\n"), 0o600)
	}
	return "", nil
}
