package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/stack"
)

// benchDeliveries is how many notifications wait for each endpoint.
const benchDeliveries = 3000

// BenchmarkDeliveries measures how many deliveries a second one worker makes
// through Temporal and the database, to a receiver that answers at once, while
// a second one is slow and a third one is dead.
func BenchmarkDeliveries(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) { benchmarkDeliveries(b, "") })
	if server := os.Getenv("TAGWATCH_TEST_POSTGRES"); server != "" {
		b.Run("PostgreSQL", func(b *testing.B) { benchmarkDeliveries(b, benchDatabase(b, server)) })
	}
}

func benchmarkDeliveries(b *testing.B, database string) {
	for b.Loop() {
		dir, fast, slow, dead := b.TempDir(), benchReceiver(b), benchReceiver(b), benchReceiver(b)
		slow.Fail(lab.Fault{Stall: true})
		try(b, dead.Pause())
		address := database
		if address == "" {
			address = "sqlite://" + filepath.Join(dir, "tagwatch.db")
		}
		fill(b, address, map[string]string{"fast": fast.URL(), "slow": slow.URL(), "dead": dead.URL()})
		running, err := stack.New(stack.Options{Bin: benchBin(b), DataDir: dir, Log: io.Discard, Env: []string{"TAGWATCH_DATABASE_URL=" + address,
			"TAGWATCH_SERVE=watching,delivery", "TAGWATCH_FEED_URL=http://127.0.0.1:1", "TAGWATCH_FEED_INTERVAL=24h"}})
		try(b, err)
		try(b, running.Start(b.Context()))
		for _, name := range []string{"dead", "slow", "fast"} { // wakes its queue
			_, err := running.Do(b.Context(), "endpoint", "enable", name)
			try(b, err)
		}
		ctx, cancel := context.WithTimeout(b.Context(), patience)
		hooks, err := fast.WaitFor(ctx, benchDeliveries)
		cancel()
		try(b, err)
		took := hooks[len(hooks)-1].At.Sub(hooks[0].At)
		b.ReportMetric(float64(len(hooks)-1)/took.Seconds(), "deliveries/s")
		try(b, running.Stop())
	}
}

// fill stores the endpoints and what is to be delivered to each of them, with
// bodies of a usual size.
func fill(b *testing.B, database string, endpoints map[string]string) {
	kept, err := store.Open(b.Context(), database)
	try(b, err)
	defer kept.Close()
	now := time.Now()
	for name, address := range endpoints {
		try(b, kept.SaveEndpoint(b.Context(), endpoint.Endpoint{Name: name, URL: address}, now))
	}
	for n := range benchDeliveries {
		notified, err := notification.Sample(notification.VulnUpdate, fmt.Sprintf("bench-%d", n), "admin", now)
		try(b, err)
		notified.Subject = fmt.Sprintf("registry.example.com/app:%d", n%500)
		_, err = kept.Publish(b.Context(), notified, subscription.Options{}, delivery.DefaultWindow)
		try(b, err)
	}
}

func benchReceiver(b *testing.B) *lab.Receiver {
	r, err := lab.NewReceiver()
	try(b, err)
	r.AnswerAlways(http.StatusNoContent)
	b.Cleanup(func() { r.Heal(); r.Close() })
	return r
}

// benchBin is the directory of the built programs.
func benchBin(b *testing.B) string {
	dir := os.Getenv("TAGWATCH_TEST_BIN")
	if dir == "" {
		dir = filepath.Join("..", "bin")
	}
	dir, err := filepath.Abs(dir)
	try(b, err)
	return dir
}

// benchDatabase makes an empty database that goes with the benchmark.
func benchDatabase(b *testing.B, server string) string {
	name := fmt.Sprintf("bench_%d", time.Now().UnixNano())
	admin, err := sql.Open("postgres", server)
	try(b, err)
	_, err = admin.ExecContext(b.Context(), "CREATE DATABASE "+name)
	try(b, err)
	b.Cleanup(func() {
		_, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		try(b, err)
		try(b, admin.Close())
	})
	address, err := url.Parse(server)
	try(b, err)
	address.Path = "/" + name
	return address.String()
}

func try(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
