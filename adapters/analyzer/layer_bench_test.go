package analyzer_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/lab"
)

// largeImage is how many bytes the image of the benchmark has, unpacked.
const largeImage = 700 << 20

// BenchmarkNewTopLayer compares the analysis of a large image whose lower layers
// are known with syft's command line, which has to fetch them all, in the same
// run. Bytes transferred beyond the new layer fail it. One image is made up, the
// other of this machine's own files.
func BenchmarkNewTopLayer(b *testing.B) {
	syft := buildSyft(b)
	for _, kind := range []struct {
		name string
		base func(*testing.B) v1.Image
	}{{"made", madeImage}, {"host", hostImage}} {
		b.Run(kind.name, func(b *testing.B) { benchmarkNewTopLayer(b, syft, kind.base(b)) })
	}
}

func benchmarkNewTopLayer(b *testing.B, syft string, base v1.Image) {
	w := newBench(b, analyzer.Limits{})
	if _, err := w.Analyze(b.Context(), w.push(b, base)); err != nil {
		b.Fatal(err)
	}
	added := layersIn(b, build(b, lab.Python(lab.PythonPackage{Name: "Django", Version: "3.2.0"})))
	newer := withLayer(b, base, added...)
	all := layersOf(b, newer)
	request, top := w.push(b, newer), all[len(all)-1]
	for first := true; b.Loop(); first = false {
		before := ownCPU(b)
		result, err := w.Analyze(b.Context(), request)
		if err != nil {
			b.Fatal(err)
		}
		own := ownCPU(b) - before
		if first && result.Usage.Fetched != top.Size {
			b.Errorf("%d bytes transferred, the new layer has %d", result.Usage.Fetched, top.Size)
		}
		theirs := syftCPU(b, syft, w.registry.Host()+"/app:1")
		b.ReportMetric((own+result.Usage.CPU).Seconds()/theirs.Seconds(), "CPU/syft")
		b.ReportMetric(own.Seconds()/theirs.Seconds(), "of-it-worker")
		b.ReportMetric(float64(result.Inventory.Size)/(1<<20), "image-MiB")
		b.ReportMetric(float64(len(result.Inventory.Packages)), "packages")
		b.ReportMetric(float64(result.Usage.Fetched)/float64(top.Size), "transferred/layer")
		b.ReportMetric(float64(result.Usage.PeakMemory)/(1<<20), "peak-MiB")
	}
}

func madeImage(b *testing.B) v1.Image {
	b.Helper()
	return build(b, lab.Debian(lab.Bookworm()...), bulk(), lab.Node("/srv/base", nodeModules(300)...))
}

// bulk is a layer of files that no package owns, half of it large ones, half small
// ones. It compresses to about two thirds, less well than most programs do.
func bulk() lab.Part {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]byte, 64<<10)
	for i := range words {
		words[i] = byte(random.Uint32())
	}
	var files []lab.File
	for _, size := range []int{4 << 20, 64 << 10} {
		for i := range largeImage / 2 / size {
			files = append(files, lab.File{Path: fmt.Sprintf("/opt/bulk/%d/%d", size, i), Data: prose(random, words, size)})
		}
	}
	return lab.Copy("/opt/bulk", files...)
}

// prose strings random words together.
func prose(random *rand.Rand, words []byte, size int) []byte {
	text := make([]byte, 0, size+32)
	for len(text) < size {
		start := random.IntN(len(words)/32) * 32
		text = append(text, words[start:start+4+random.IntN(28)]...)
	}
	return text[:size]
}

func nodeModules(n int) (modules []lab.NodeModule) {
	for i := range n {
		modules = append(modules, lab.NodeModule{Name: fmt.Sprintf("module-%d", i), Version: "1.2.3"})
	}
	return modules
}

// ownCPU is the processor time of this process so far.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// buildSyft builds syft's command line from the versions that this module uses.
// It takes modules that the library does not, which the copies of go.mod and
// go.sum note.
func buildSyft(b *testing.B) string {
	b.Helper()
	folder := b.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	path := filepath.Join(folder, "syft")
	command := exec.Command("go", "build", "-mod=mod", "-modfile="+filepath.Join(folder, "go.mod"), "-o", path, "github.com/anchore/syft/cmd/syft")
	if output, err := command.CombinedOutput(); err != nil {
		b.Fatalf("build syft: %v: %s", err, output)
	}
	return path
}

// syftCPU is the processor time that syft's command line takes for an image.
func syftCPU(b *testing.B, syft, reference string) time.Duration {
	b.Helper()
	command := exec.Command(syft, "registry:"+reference, "--output", "syft-json="+filepath.Join(b.TempDir(), "sbom.json"))
	command.Env = append(os.Environ(), "HOME="+b.TempDir(), "SYFT_CHECK_FOR_APP_UPDATE=false", "SYFT_REGISTRY_INSECURE_USE_HTTP=true")
	if output, err := command.CombinedOutput(); err != nil {
		b.Fatalf("syft %s: %v: %s", reference, err, output)
	}
	return command.ProcessState.UserTime() + command.ProcessState.SystemTime()
}
