package declarations

import (
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/tagwatch/tagwatch/adapters/documents"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// readDocument reads the files of the document and those that it names.
func readDocument(s *session.Session) (operations.Declaration, error) {
	document := operations.Declaration{Prune: s.Bool("prune"), Adopt: s.Bool("adopt")}
	files, err := documentFiles(s)
	if err != nil {
		return document, err
	}
	for _, f := range files {
		if !utf8.Valid(f.Content) {
			return document, exit.Usage("file %s is not UTF-8 text", f.Name)
		}
		document.Files = append(document.Files, operations.DeclarationFile{Name: f.Name, Content: string(f.Content)})
	}
	for _, named := range declaration.Bundles(files) {
		bundle := operations.DeclarationBundle{Document: named.From.File, File: named.File}
		content, err := documents.Bundle(named.From, named.File)
		if err != nil {
			bundle.Problem = err.Error()
		}
		bundle.Content = string(content)
		document.Bundles = append(document.Bundles, bundle)
	}
	return document, nil
}

const standardInput = "standard input"

// documentFiles are the files that are given, and those of the folders by name. One that
// is given twice, or by itself and in its folder, is read once.
func documentFiles(s *session.Session) ([]declaration.File, error) {
	var names []string
	for _, given := range s.StringSlice("file") {
		if given == "" {
			return nil, exit.Usage("-f names no file; see %s --help", s.Command.HelpName)
		}
		if info, err := os.Stat(given); err != nil || !info.IsDir() {
			names = append(names, given)
			continue
		}
		within, err := documents.Names(given)
		if err != nil {
			return nil, exit.Unable(err)
		}
		if len(within) == 0 {
			return nil, exit.Usage("folder %s has no .yaml or .yml file", given)
		}
		names = append(names, within...)
	}
	if len(names) == 0 {
		return nil, exit.Usage("-f is missing; see %s --help", s.Command.HelpName)
	}
	var files []declaration.File
	read := map[string]bool{}
	for _, name := range names {
		if read[filepath.Clean(name)] {
			continue
		}
		read[filepath.Clean(name)] = true
		content, err := arguments.ReadFile(s, name)
		if err != nil {
			return nil, err
		}
		if name == arguments.StandardInput {
			name = standardInput
		}
		files = append(files, declaration.File{Name: name, Content: content})
	}
	return files, nil
}
