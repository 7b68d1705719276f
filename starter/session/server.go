package session

import (
	"context"
	"os"
	"strings"
	"sync"

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/remote"
	"github.com/tagwatch/tagwatch/starter/exit"
)

// tokenVariable holds the token for the server.
const tokenVariable = "TAGWATCH_TOKEN"

// Server is the login to the server that carries out the command; an empty one if the
// command uses the database itself. Settings of the command line and of the environment
// count before what tagwatch login stored.
func (s *Session) Server() (Login, error) { return s.server.login() }

func (s *Session) chooseServer() (Login, error) {
	return ChooseServer(Login{Server: s.Settings.Server, CAFile: s.Settings.ServerCAFile}, s.IsSet)
}

// ChooseServer is Server for settings of which isSet says whether they are given.
func ChooseServer(chosen Login, isSet func(name string) bool) (Login, error) {
	if chosen.Server == "" && (isSet("server") || isSet("data-dir") || isSet("database-url")) {
		return Login{}, nil
	}
	stored, err := ReadLogin()
	if err != nil {
		return chosen, err
	}
	if chosen.Server == "" || sameServer(chosen.Server, stored.Server) {
		chosen.Server, chosen.Token = stored.Server, stored.Token
		if chosen.CAFile == "" {
			chosen.CAFile = stored.CAFile
		}
	}
	if chosen.Server == "" {
		return Login{}, nil
	}
	if text := os.Getenv(tokenVariable); text != "" {
		chosen.Token, err = readToken(text)
	}
	return chosen, err
}

func sameServer(a, b string) bool {
	one, failed := remote.Address(a)
	other, failedToo := remote.Address(b)
	return failed == nil && failedToo == nil && *one == *other
}

// readToken reads a token, or the reference to one.
func readToken(text string) (string, error) {
	token := text
	switch kind, name, _ := strings.Cut(text, ":"); kind {
	case "env":
		token = os.Getenv(name)
	case "file":
		content, err := os.ReadFile(name)
		if err != nil {
			return "", exit.Usage("read the token that %s names: %w", tokenVariable, err)
		}
		token = string(content)
	}
	if token = strings.TrimSpace(token); token == "" {
		return "", exit.Usage("no token at %s, which %s names", text, tokenVariable)
	}
	return token, nil
}

// Remote reports that a server carries the command out.
func (s *Session) Remote() bool {
	chosen, err := s.Server()
	return err != nil || chosen.Server != "" // an error shows when it is first used
}

// Client connects to a server.
func (s *Session) Client(login Login) (*remote.Client, error) {
	address, err := remote.Address(login.Server)
	if err != nil {
		return nil, exit.Usage("%w (--server, TAGWATCH_SERVER)", err)
	}
	if login.Token == "" {
		return nil, exit.Usage("no token for the server at %s: set %s, or run: tagwatch login %s", address, tokenVariable, address)
	}
	if remote.Exposed(address) {
		s.Say("The connection to %s is not encrypted: anyone on the way can read the token. Use https:// if the server has it", address)
	}
	client, err := remote.New(remote.Options{Server: address, Token: login.Token, CAFile: login.CAFile, Agent: "tagwatch/" + s.App.Version})
	if err != nil {
		return nil, exit.Unable(err)
	}
	return client, nil
}

// Connect connects to a server without a session, which would say what is wrong.
func Connect(login Login, agent string) (operations.Remote, error) {
	address, err := remote.Address(login.Server)
	if err != nil {
		return nil, err
	}
	return remote.New(remote.Options{Server: address, Token: login.Token, CAFile: login.CAFile, Agent: agent})
}

// server carries out a session's operations, and connects for the first of them.
type server struct {
	*Session
	login  func() (Login, error)
	client *remote.Client
}

func newServer(s *Session) *server {
	return &server{Session: s, login: sync.OnceValues(s.chooseServer)}
}

// Do implements operations.Remote.
func (r *server) Do(ctx context.Context, call operations.Call) error {
	login, err := r.login()
	if err != nil {
		return err
	}
	if r.client == nil {
		if r.client, err = r.Client(login); err != nil {
			return err
		}
	}
	defer r.Slowly("Waiting for the server at " + login.Server)()
	return r.client.Do(ctx, call)
}

// refuseRemote refuses what only works with the database and Temporal themselves.
func (s *Session) refuseRemote() error {
	chosen, err := s.Server()
	if err != nil || chosen.Server == "" {
		return err
	}
	return exit.Usage("%s needs direct access to the database and Temporal, and cannot be carried out by the server at %s; run it where they are, with --server ''", s.Command.HelpName, chosen.Server)
}

// Local refuses a command that is about this machine, if a server is named.
func (s *Session) Local(why string) error {
	if s.Settings.Server == "" {
		return nil
	}
	return exit.Usage("%s %s, and takes no --server (TAGWATCH_SERVER)", s.Command.HelpName, why)
}
