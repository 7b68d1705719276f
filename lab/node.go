package lab

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
)

// NodeModule is an installed npm package.
type NodeModule struct {
	Name    string // with its scope, as "@babel/core"
	Version string
	License string // MIT when empty
}

// Node is a Node application at a directory, with its modules and its lock file.
// The application itself is a package too, with the name of its directory and version
// 1.0.0.
func Node(dir string, modules ...NodeModule) Part {
	return func(r *recipe) error {
		app := NodeModule{Name: path.Base(dir), Version: "1.0.0"}
		manifest, err := app.manifest()
		if err != nil {
			return err
		}
		lock, err := nodeLock(app, modules)
		if err != nil {
			return err
		}
		files := []File{
			{Path: dir + "/package.json", Data: manifest},
			{Path: dir + "/package-lock.json", Data: lock},
			Text(dir+"/server.js", "require('http').createServer((_, res) => res.end('ok')).listen(8080)\n"),
		}
		for _, m := range modules {
			manifest, err := m.manifest()
			if err != nil {
				return err
			}
			files = append(files, File{Path: path.Join(dir, "node_modules", m.Name, "package.json"), Data: manifest})
		}
		return r.add(copyTo(dir), files...)
	}
}

// manifest is the package's package.json. See
// https://docs.npmjs.com/cli/configuring-npm/package-json.
func (m NodeModule) manifest() ([]byte, error) {
	return marshalJSON(map[string]any{
		"name": m.Name, "version": m.Version, "license": cmp.Or(m.License, "MIT"), "main": "index.js",
		"author": "The authors of " + m.Name,
	})
}

func nodeLock(app NodeModule, modules []NodeModule) ([]byte, error) {
	wanted, packages := map[string]string{}, map[string]any{}
	for _, m := range modules {
		wanted[m.Name] = m.Version
		packages["node_modules/"+m.Name] = map[string]any{"version": m.Version, "license": cmp.Or(m.License, "MIT")}
	}
	packages[""] = map[string]any{"name": app.Name, "version": app.Version, "dependencies": wanted}
	return marshalJSON(map[string]any{
		"name": app.Name, "version": app.Version, "lockfileVersion": 3, "requires": true, "packages": packages,
	})
}

// marshalJSON writes keys in order, which keeps layers equal from run to run.
func marshalJSON(value any) ([]byte, error) {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return append(data, '\n'), nil
}
