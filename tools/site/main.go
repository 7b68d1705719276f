// Site writes the documentation as a web site that needs no server.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", "..", "`folder` of the repository")
	out := flag.String("out", "../bin/site", "`folder` to write the site into; it is replaced")
	flag.Parse()
	pages, err := build(*root, *out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	fmt.Printf("%d pages: %s/index.html\n", pages, *out)
}
