package lab

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path"
)

// NuGetPackage is a dependency of a .NET application.
type NuGetPackage struct {
	Name    string
	Version string
}

// DotnetBundle is a .NET application for linux/amd64, published as a single file:
// an executable, here one that does nothing, with the list of the application's
// packages behind it. Layout:
// https://github.com/dotnet/designs/blob/main/accepted/2020/single-file/bundler.md.
func DotnetBundle(target string, packages ...NuGetPackage) Part {
	return func(r *recipe) error {
		list, err := dependencies(path.Base(target), packages)
		if err != nil {
			return fmt.Errorf("bundle %s: %w", target, err)
		}
		return r.add(copyTo(target), Executable(target, bundle(list)))
	}
}

// bundleMarker is src/native/corehost/apphost/bundle_marker.cpp of
// https://github.com/dotnet/runtime.
var bundleMarker = []byte{
	0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
	0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
}

// bundle is a program with a marker, preceded by the offset of the header. The header
// has the offset of the list.
func bundle(list []byte) []byte {
	program := assembleELF(bytes.Join([][]byte{exit, make([]byte, 8), bundleMarker}, nil))
	binary.LittleEndian.PutUint64(program[len(program)-len(bundleMarker)-8:], uint64(len(program)))
	b := bytes.NewBuffer(program)
	write := func(values ...any) {
		for _, value := range values {
			_ = binary.Write(b, binary.LittleEndian, value) // a bytes.Buffer takes everything
		}
	}
	write(uint32(6), uint32(0), int32(1), uint8(2), []byte("id")) // version, files, ID with its length
	const rest = 5 * 8
	write(int64(b.Len()+rest), int64(len(list)), int64(0), int64(0), uint64(0)) // list, no configuration, no flags
	write(list)
	return b.Bytes()
}

// dependencies is the list as the SDK writes it into NAME.deps.json:
// https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md.
func dependencies(name string, packages []NuGetPackage) ([]byte, error) {
	const runtime = ".NETCoreApp,Version=v8.0/linux-x64"
	type object map[string]any
	root, needs := name+"/1.0.0", object{}
	targets := object{root: object{"dependencies": needs, "runtime": object{name + ".dll": object{}}}}
	libraries := object{root: object{"type": "project", "serviceable": false, "sha512": ""}}
	for _, each := range packages {
		needs[each.Name] = each.Version
		id := each.Name + "/" + each.Version
		targets[id] = object{"runtime": object{"lib/net8.0/" + each.Name + ".dll": object{}}}
		libraries[id] = object{"type": "package", "serviceable": true, "sha512": ""}
	}
	return json.Marshal(object{"runtimeTarget": object{"name": runtime}, "targets": object{runtime: targets}, "libraries": libraries})
}
