package arguments

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// ReadFile reads a file, or the standard input.
func ReadFile(s *session.Session, name string) ([]byte, error) {
	if name == StandardInput {
		content, err := io.ReadAll(s.App.Reader)
		return content, exit.Unable(err)
	}
	content, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, exit.Usage("file %s not found", name)
	}
	return content, exit.Unable(err)
}

// ParseBundle reads a bundle and shows all its problems. Only errors reject it.
func ParseBundle(s *session.Session, name string) (*policy.Bundle, error) {
	content, err := ReadFile(s, name)
	if err != nil {
		return nil, err
	}
	bundle, problems := policy.Parse(content)
	for _, p := range problems {
		s.Say("%s", output.OneLine(p.String()))
	}
	if !policy.Valid(problems) {
		return nil, exit.Refused("%s is invalid; nothing was changed", FileName(name))
	}
	return bundle, nil
}

func FileName(file string) string {
	if file == StandardInput {
		return "the bundle on standard input"
	}
	return file
}

// Bundle is the bundle of a file or of an id; the active one for "".
func Bundle(ctx context.Context, s *session.Session, fileOrID string) (*policy.Bundle, error) {
	if fileOrID == "" {
		return ActiveBundle(ctx, s)
	}
	if isFile(fileOrID) {
		return ParseBundle(s, fileOrID)
	}
	bundle, err := storedBundle(ctx, s, fileOrID)
	if errors.Is(err, errkind.NotFound) {
		return nil, exit.Refused("no file and no stored bundle named %s; see: tagwatch policy list", fileOrID)
	}
	return bundle, err
}

// Choice is the bundle of a file or of an id, for operations; the active one for "".
func Choice(ctx context.Context, s *session.Session, fileOrID string) (operations.PolicyChoice, error) {
	bundle, err := Bundle(ctx, s, fileOrID)
	if err != nil || fileOrID == "" {
		return operations.PolicyChoice{}, err
	}
	if !isFile(fileOrID) {
		return operations.PolicyChoice{ID: fileOrID}, nil
	}
	document, err := bundle.MarshalJSON()
	return operations.PolicyChoice{Bundle: document}, err
}

func isFile(name string) bool {
	_, err := os.Stat(name)
	return err == nil || name == StandardInput
}

// ActiveBundle is the default one until a bundle is activated, as for the worker.
func ActiveBundle(ctx context.Context, s *session.Session) (*policy.Bundle, error) {
	return storedBundle(ctx, s, "")
}

func storedBundle(ctx context.Context, s *session.Session, id string) (*policy.Bundle, error) {
	stored, err := operations.ShowPolicy.Run(ctx, s.System(), operations.PolicyRequest{ID: id})
	if err != nil {
		return nil, err
	}
	bundle, _ := policy.Parse(stored.Bundle) // its problems were shown when it was added
	return bundle, nil
}

func GateNames(gates []policy.GateSpec) []string {
	var names []string
	for _, g := range gates {
		names = append(names, g.Name)
	}
	return names
}

// StandardInput is the argument for standard input instead of a file or references.
const StandardInput = "-"
