package vuln

// Place is where in an image a package is.
type Place struct {
	Paths []string // of the files that show it
	Layer string   // base or own, as sbom.Inventory.LayerOf has it; "" if nobody can tell
}

// Places are those of the packages of an image; nil where they are not known.
type Places map[Package]Place
