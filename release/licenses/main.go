// Licenses lists the modules that the programs are linked from with their licenses, for
// all platforms of a release together. It fails if one is unknown, or none that allows
// what Tagwatch does: to be linked from any other program, without conditions on it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", ".", "`folder` of the repository")
	texts := flag.String("texts", "", "`file` to write the texts of all licenses to")
	flag.Parse()
	if err := run(context.Background(), *root, *texts); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

// list is the file that names all of them.
const list = "THIRD_PARTY.md"

func run(ctx context.Context, root, texts string) error {
	modules, err := linked(ctx, root)
	if err != nil {
		return err
	}
	if err := classify(modules); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, list), table(modules), 0o644); err != nil || texts == "" {
		return err
	}
	content, err := allTexts(ctx, modules)
	if err != nil {
		return err
	}
	return os.WriteFile(texts, content, 0o644)
}
