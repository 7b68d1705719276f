package tagwatch_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tagwatch/tagwatch/"

// floors says what each folder may import of this module. A folder's rule holds
// for everything below it, unless there is a closer one.
var floors = map[string][]string{
	"worker":     {"config", "api", "operations", "client", "workflows", "activities", "adapters", "domain"},
	"starter":    {"starter", "config", "remote", "operations", "client", "workflows", "adapters", "domain"},
	"api":        {"api/anchore", "api/reference", "operations", "adapters/httpserver", "domain"},
	"operations": {"client", "workflows", "adapters/store", "domain"}, // what people and programs can ask for, for both
	"remote":     {"operations", "adapters/outbound", "domain"},       // operations that a server carries out
	"client":     {"workflows", "domain"},
	"workflows":  {"domain"},
	"activities": {"domain"},
	"adapters":   {"domain", "schema", "adapters/outbound", "adapters/httpserver", "adapters/issuer"}, // HTTP clients and servers are built with these
	"config":     {},
	"schema":     {},

	"config/manual": {"config"},

	"api/anchore":   {"operations", "adapters/httpserver", "domain"},
	"api/reference": {},

	// The command line: rooms by noun over those that they share.
	"starter/output":        {"domain"},
	"starter/exit":          {"starter/output", "operations", "domain"},
	"starter/session":       {"starter/exit", "starter/output", "config", "remote", "operations", "client", "workflows", "adapters", "domain"},
	"starter/arguments":     {"starter/session", "starter/exit", "starter/output", "config", "operations", "domain"},
	"starter/completion":    {"starter/arguments", "starter/session", "starter/exit", "starter/output", "config", "operations", "adapters", "domain"},
	"starter/tags":          room,
	"starter/repositories":  room,
	"starter/registries":    room,
	"starter/sources":       room,
	"starter/endpoints":     room,
	"starter/notifications": room,
	"starter/policies":      room,
	"starter/feeds":         room,
	"starter/declarations":  room,
	"starter/doctor":        room,
	"starter/tokens":        room,
	"starter/login":         {"starter/session", "starter/exit", "remote", "operations", "domain"},
	"starter/trail":         room,
	"starter/up":            room,

	"domain/errkind":      {},
	"domain/ipclass":      {},
	"domain/plain":        {},
	"domain/wording":      {},
	"domain/audit":        {},
	"domain/image":        {"domain/errkind"},
	"domain/condition":    {},
	"domain/workload":     {"domain/image"},
	"domain/sbom":         {"domain/errkind", "domain/image"},
	"domain/vuln":         {"domain/errkind", "domain/condition", "domain/image", "domain/sbom"},
	"domain/acceptance":   {"domain/errkind", "domain/image", "domain/vuln"},
	"domain/policy":       {"domain/errkind", "domain/audit", "domain/image", "domain/sbom", "domain/vuln", "domain/acceptance"},
	"domain/notification": {"domain/errkind", "domain/plain", "domain/wording", "domain/image", "domain/workload", "domain/sbom", "domain/vuln", "domain/acceptance", "domain/policy"},
	"domain/delivery":     {"domain/errkind", "domain/notification"},
	"domain/message":      {"domain/errkind", "domain/plain", "domain/notification", "domain/delivery"},
	"domain/filter":       {"domain/errkind", "domain/workload", "domain/vuln", "domain/notification"},
	"domain/token":        {"domain/errkind", "domain/image"},
	"domain/endpoint":     {"domain/filter", "domain/errkind", "domain/wording", "domain/image", "domain/notification", "domain/delivery", "domain/message"},
	"domain/subscription": {"domain/filter", "domain/errkind", "domain/audit", "domain/condition", "domain/image", "domain/vuln", "domain/notification", "domain/delivery", "domain/endpoint"},
	"domain/ratelimit":    {},
	"domain/overload":     {},
	"domain/watcher":      {},
	"domain/databuild":    {"domain/audit", "domain/condition", "domain/vuln"},
	"domain/analysis":     {"domain/errkind", "domain/condition", "domain/image", "domain/vuln", "domain/databuild"},
	"domain/polling":      {"domain/condition", "domain/image"},
	"domain/taglist":      {"domain/filter", "domain/errkind", "domain/condition", "domain/image", "domain/notification", "domain/delivery", "domain/endpoint", "domain/subscription"},
	"domain/source":       {"domain/filter", "domain/errkind", "domain/wording", "domain/condition", "domain/image", "domain/workload", "domain/notification", "domain/delivery", "domain/endpoint", "domain/subscription"},
	"domain/declaration":  {"domain"}, // names all that can be declared
	"domain/watch":        {"domain/filter", "domain/condition", "domain/image", "domain/workload", "domain/sbom", "domain/vuln", "domain/acceptance", "domain/policy", "domain/notification", "domain/delivery", "domain/endpoint", "domain/subscription", "domain/watcher"},

	// Counterparts on loopback, for the demo and the tests.
	"lab":   {"lab"},
	"demo":  {"lab", "domain"},
	"chaos": {"lab"},
	"bench": {"lab"},
	"e2e":   {"lab", "domain"},

	"release": {}, // makes what is published
}

// room is what a room of the command line may import: no other one.
var room = []string{"starter/arguments", "starter/session", "starter/exit", "starter/output", "config", "operations", "client", "workflows", "adapters", "domain"}

// ownedLibraries are used by one adapter only.
var ownedLibraries = map[string][]string{
	"github.com/google/go-containerregistry":  {"adapters/registry", "adapters/analyzer", "lab", "chaos", "bench", "release"},
	"github.com/anchore/syft":                 {"adapters/analyzer", "adapters/matcher", "adapters/feed", "lab"},
	"github.com/anchore/grype":                {"adapters/matcher", "adapters/feed", "lab"},
	"github.com/danielgtaylor/huma":           {"api"},
	"github.com/jmoiron/sqlx":                 {"adapters/store"},
	"github.com/coreos/go-oidc":               {"adapters/issuer"},
	"github.com/lib/pq":                       {"adapters/store", "bench"},
	"go.temporal.io/sdk/client":               {"client", "worker", "starter", "adapters/tracing", "chaos"},
	"go.temporal.io/sdk/contrib/envconfig":    {"client"},
	"go.temporal.io":                          {"client", "workflows", "activities", "worker", "starter", "adapters/tracing", "chaos"},
	"github.com/compose-spec/compose-go":      {"adapters/sources"},
	"k8s.io":                                  {"adapters/sources"},
	"cel.dev/cel-go":                          {"domain/filter"},
	"go.opentelemetry.io/otel/exporters/otlp": {"adapters/tracing"},
}

// TestLayout holds the floors: no arrow upward, no adapter that knows another,
// no library outside the adapter that owns it. It reads the sources itself, so
// that a new import is never answered from the test cache.
func TestLayout(t *testing.T) {
	for file, imports := range sources(t) {
		folder := filepath.ToSlash(filepath.Dir(file))
		for _, path := range imports {
			if own, found := strings.CutPrefix(path, module); found {
				if !mayImport(folder, own) {
					t.Errorf("%s imports %s, which its floor does not allow", file, own)
				}
				continue
			}
			for library, owners := range ownedLibraries {
				if within(path, library) && !withinAny(folder, owners) {
					t.Errorf("%s imports %s, which belongs to %s", file, path, strings.Join(owners, ", "))
				}
			}
		}
	}
}

// sources are the imports of every file that is no test.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (path == "tools" || path != "." && strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		found[path], err = importsOf(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func importsOf(path string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	var imports []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		imports = append(imports, imported)
	}
	return imports, nil
}

func mayImport(folder, imported string) bool {
	if sameAdapter(folder, imported) || folder == imported {
		return true
	}
	for rule := folder; rule != "."; rule = filepath.ToSlash(filepath.Dir(rule)) {
		if allowed, found := floors[rule]; found {
			return withinAny(imported, allowed)
		}
	}
	return false
}

// sameAdapter reports whether both are parts of one adapter.
func sameAdapter(folder, imported string) bool {
	a, b := strings.Split(folder, "/"), strings.Split(imported, "/")
	return len(a) > 1 && len(b) > 1 && a[0] == "adapters" && slices.Equal(a[:2], b[:2])
}

func withinAny(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return within(path, root) })
}

func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }
