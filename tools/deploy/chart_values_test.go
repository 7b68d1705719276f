package deploy_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func TestChartLint(t *testing.T) {
	t.Parallel()
	for _, example := range examples(t) {
		lint(t, with(example)...)
	}
}

// Values that are misspelled, contradict each other or would put a secret into a config
// map are refused, and the message names them.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for set, message := range map[string]string{
		"databse.key=x":                          "databse",
		"worker.replica=3":                       "replica",
		"roles.watchers.replicas=3":              "watchers",
		"worker.replicas=two":                    "replicas",
		"settings.TAGWATCH_DATABASE_URL=x":       "TAGWATCH_DATABASE_URL",
		"settings.TEMPORAL_API_KEY=x":            "TEMPORAL_API_KEY",
		"settings.TAGWATCH_SERVE=delivery":       "TAGWATCH_SERVE",
		"settings.TAGWATCH_CONFIG_DIR=/x":        "TAGWATCH_CONFIG_DIR",
		"documents.owner=Web Team":               "owner",
		"documents.prune=yes":                    "prune",
		"settings.poll=1m":                       "poll",
		"ingress.enabled=true":                   "host",
		"ingress.enabled=true,ingress.host=a.b":  "networkPolicy.clientNamespaces",
		"temporalServer.enabled=true":            "postgresql.enabled",
		"versioning.overlapSeconds=10":           "overlapSeconds",
		"database.existingSecret=":               "existingSecret",
		"worker.resources.limit.memory=1Gi":      "limit",
		"networkPolicy.egress.ports[0].prot=TCP": "prot",
	} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			if _, err := template(t, chart, "--set", set); err == nil || !strings.Contains(err.Error(), message) {
				t.Errorf("the message does not have %q: %v", message, err)
			}
		})
	}
}

// Every value that the schema knows is in values.yaml, where it is explained.
func TestChartValuesAreListed(t *testing.T) {
	t.Parallel()
	var values map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/tagwatch/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]property `json:"properties"`
		Defs       map[string]property `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(read(t, "deploy/helm/tagwatch/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	delete(schema.Properties, "global") // Helm's
	listed(t, "", property{Properties: schema.Properties}, schema.Defs, values)
	listed(t, "worker", schema.Defs["worker"], schema.Defs, values["worker"].(map[string]any))
}

// property is one of the schema, as far as the test follows it.
type property struct {
	Ref        string              `json:"$ref"`
	Properties map[string]property `json:"properties"`
}

func listed(t *testing.T, path string, of property, defs map[string]property, values map[string]any) {
	t.Helper()
	for name, p := range of.Properties {
		value, found := values[name]
		if !found {
			t.Errorf("values.yaml does not have %s.%s", path, name)
		}
		if below, ok := value.(map[string]any); ok && p.Ref == "" {
			listed(t, path+"."+name, p, defs, below)
		}
	}
}

// Variables that the chart sets or names are settings of the workers.
func TestChartVariables(t *testing.T) {
	t.Parallel()
	settings := read(t, "docs/settings.md")
	variable := regexp.MustCompile(`TAGWATCH_[A-Z_]+`)
	own := []string{"TAGWATCH_DB_PASSWORD"} // of databases.sql
	err := filepath.WalkDir(chart, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range variable.FindAllString(string(text), -1) {
			if !strings.Contains(settings, "`"+name+"`") && !slices.Contains(own, name) {
				t.Errorf("%s: docs/settings.md does not know %s", path, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The documentation knows every secret that the chart refers to by itself, with its keys.
func TestChartSecretsAreExplained(t *testing.T) {
	t.Parallel()
	docs := read(t, "docs/kubernetes.md")
	for _, example := range []string{"", "cloud", "ingress", "push"} {
		for _, d := range render(t, example).deployments {
			for _, s := range secretsOf(d.Spec.Template.Spec) {
				row := "| `" + s.name + "` | "
				if s.key != "" {
					row += "`" + s.key + "`"
				}
				if !strings.Contains(docs, row) {
					t.Errorf("values %s: the documentation does not know the key %q of the secret %s", example, s.key, s.name)
				}
			}
		}
	}
}

// The example of the documentation can be installed.
func TestChartDocumentation(t *testing.T) {
	t.Parallel()
	_, example, _ := strings.Cut(read(t, "docs/kubernetes.md"), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	lint(t, "--values", file)
}

// The package of a release has its version and image, needs nothing beside it, and has
// the same bytes each time.
func TestChartPackage(t *testing.T) {
	t.Parallel()
	first := packaged(t, "1.2.0", "registry.example.org/team/tagwatch")
	output, err := template(t, first, with("trial")...)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"registry.example.org/team/tagwatch:1.2.0", "tagwatch-1.2.0", "temporal-sql-tool", "CREATE DATABASE temporal_visibility"} {
		if !strings.Contains(output, part) {
			t.Errorf("no %q in what the package makes", part)
		}
	}
	if again := packaged(t, "v1.2.0", "registry.example.org/team/tagwatch"); !bytes.Equal(content(t, again), content(t, first)) {
		t.Error("two packages of one commit differ")
	}
}

// packaged returns the path of a package.
func packaged(t *testing.T, version, repository string) string {
	t.Helper()
	command := exec.Command(root+"/.ci/chart.sh", version, t.TempDir(), repository)
	command.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
	path, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(path))
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	read, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// What Helm prints after an installation has commands for this release. Only a cluster
// is shown it, so that a copy of the chart has it in an object.
func TestChartNotes(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "tagwatch")
	if output, err := exec.Command("cp", "--recursive", "--dereference", chart, folder).CombinedOutput(); err != nil {
		t.Fatal(string(output), err)
	}
	object := `{{ define "notes" }}` + read(t, "deploy/helm/tagwatch/templates/NOTES.txt") + `{{ end }}
apiVersion: v1
kind: ConfigMap
data: { notes: {{ include "notes" . | toJson }} }
`
	if err := os.WriteFile(filepath.Join(folder, "templates/shown.yaml"), []byte(object), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, example := range examples(t) {
		output, err := template(t, folder, append(with(example), "--show-only", "templates/shown.yaml")...)
		if err != nil {
			t.Fatal(err)
		}
		shown := &corev1.ConfigMap{}
		if err := yaml.Unmarshal([]byte(output), shown); err != nil {
			t.Fatal(err)
		}
		wanted := []string{"kubectl -n tagwatch rollout status deployment/tagwatch-worker"}
		switch example {
		case "roles":
			wanted = append(wanted, "set-current-version --deployment-name tagwatch --build-id devel", "exec deployment/tagwatch-worker-watching")
		case "ingress":
			wanted = append(wanted, "https://tagwatch.example.com/api/v1")
		case "trial":
			wanted = append(wanted, "kubectl -n tagwatch delete pvc data-tagwatch-postgresql-0", "port-forward service/tagwatch-temporal 8233")
		default:
			wanted = append(wanted, "kubectl -n tagwatch create secret generic tagwatch --from-file database-url")
		}
		for _, command := range wanted {
			if !strings.Contains(shown.Data["notes"], command) {
				t.Errorf("values %s: no %q in\n%s", example, command, shown.Data["notes"])
			}
		}
	}
}
