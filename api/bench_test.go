package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/api"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/operations"
)

const (
	benchTags    = 10_000
	benchClients = 32
	// benchRequests is how many requests a client sends: a token may send 200 at once.
	benchRequests = 100
	benchStreams  = 200
)

// busy is an API over an installation of many tags.
type busy struct {
	*testing.B
	store   *store.Store
	url     string
	targets []image.Target
	tokens  []string
}

// eachBusy runs a benchmark on SQLite, and on PostgreSQL where there is one.
func eachBusy(b *testing.B, bench func(*busy)) {
	stores := map[string]func(*testing.B) *store.Store{"sqlite": func(b *testing.B) *store.Store { return storetest.Open(b) }}
	if server := os.Getenv("TAGWATCH_TEST_POSTGRES"); server != "" {
		stores["postgres"] = func(b *testing.B) *store.Store { return onPostgres(b, server) }
	}
	for name, open := range stores {
		b.Run(name, func(b *testing.B) {
			kept := open(b)
			at := &busy{B: b, store: kept}
			at.fill()
			system := operations.System{Account: "admin", Store: func(context.Context) (*store.Store, error) { return kept, nil }}
			served, err := api.New(api.Options{System: system, Tokens: kept, Keys: kept, News: kept, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			at.must(err)
			server := httptest.NewServer(served)
			b.Cleanup(server.Close)
			at.url = server.URL
			bench(at)
		})
	}
}

func (b *busy) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// fill stores the tags, each with the state that the first one has.
func (b *busy) fill() {
	ctx := b.Context()
	for n := range benchTags {
		target, err := image.ParseTarget(fmt.Sprintf("registry.example.com/shop/app-%d:%d", n/10, n%10))
		b.must(err)
		b.targets = append(b.targets, target)
	}
	b.must(storetest.Seeding{Store: b.store, Now: now.Add(-time.Hour), Target: b.targets[0]}.Watch(ctx, policy.Default()))
	var subs []subscription.Subscription
	for _, target := range b.targets[1:] {
		for _, kind := range notification.DefaultTypes {
			subs = append(subs, subscription.Subscription{Target: target, Type: kind, Active: true})
		}
	}
	for part := range slices.Chunk(subs, 4000) {
		b.must(b.store.Subscribe(ctx, part, 0, now))
	}
	first, err := b.store.View(ctx, b.targets[0])
	b.must(err)
	for _, target := range b.targets[1:] {
		b.must(b.store.Record(ctx, target, func(watch.RecordView) (watch.Decision, error) {
			state := first.State
			state.Revision = 1
			return watch.Decision{State: state}, nil
		}))
	}
	for n := range benchClients {
		made, text, err := token.New(fmt.Sprintf("client-%d", n), token.Read, nil, now.Add(-time.Hour), time.Time{})
		b.must(err)
		b.must(b.store.SaveToken(ctx, made))
		b.tokens = append(b.tokens, text)
	}
}

// get reads an answer, and how long it took.
func (b *busy) get(client *http.Client, token, path string) ([]byte, time.Duration) {
	began := time.Now()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.url+path, nil)
	b.must(err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	b.must(err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	b.must(err)
	if response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d %s", path, response.StatusCode, content)
	}
	return content, time.Since(began)
}

// BenchmarkTagStatus has 32 clients ask for the status of tags, first ten times a second
// each, for which the budget of the 99th percentile is 20 ms, then each for the next one as
// soon as it has an answer, which shows how much there can be.
func BenchmarkTagStatus(b *testing.B) {
	eachBusy(b, func(b *busy) {
		for b.Loop() {
			paced, _ := b.ask(100 * time.Millisecond)
			b.ReportMetric(milliseconds(paced[len(paced)/2]), "p50-ms")
			b.ReportMetric(milliseconds(paced[len(paced)*99/100]), "p99-ms")
			saturated, each := b.ask(0)
			b.ReportMetric(milliseconds(saturated[len(saturated)*99/100]), "saturated-p99-ms")
			b.ReportMetric(float64(len(saturated))/each.Seconds(), "requests/s")
		}
	})
}

// ask has each client ask for the status of one tag after the other, with a pause between
// the beginnings. It returns how long the answers took, sorted, and how long all did.
func (b *busy) ask(pause time.Duration) ([]time.Duration, time.Duration) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchClients}}
	took := make([][]time.Duration, benchClients)
	began := time.Now()
	var all sync.WaitGroup
	for c := range benchClients {
		all.Go(func() {
			for n := range benchRequests {
				target := b.targets[(c*benchRequests+n)*7919%benchTags]
				time.Sleep(time.Until(began.Add(time.Duration(n)*pause + time.Duration(c)*pause/benchClients)))
				_, one := b.get(client, b.tokens[c], "/api/v1/tag?ref="+url.QueryEscape(target.String()))
				took[c] = append(took[c], one)
			}
		})
	}
	all.Wait()
	return slices.Sorted(slices.Values(slices.Concat(took...))), time.Since(began)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkTagList lists all tags by pages of 1,000. The budget is 2 s in all.
func BenchmarkTagList(b *testing.B) {
	eachBusy(b, func(b *busy) {
		for b.Loop() {
			began, listed := time.Now(), 0
			for next := ""; ; {
				content, _ := b.get(http.DefaultClient, b.tokens[0], "/api/v1/tags?limit=1000&after="+next)
				var page struct {
					Tags []json.RawMessage
					Next string
				}
				b.must(json.Unmarshal(content, &page))
				listed += len(page.Tags)
				if next = page.Next; next == "" {
					break
				}
			}
			if listed != benchTags {
				b.Fatalf("%d tags listed", listed)
			}
			b.ReportMetric(time.Since(began).Seconds(), "s/list")
		}
	})
}

// BenchmarkIdleStreams holds streams that have sent everything. The budget of one is 100
// KiB; what the client's side of its connection takes is counted, too.
func BenchmarkIdleStreams(b *testing.B) {
	eachBusy(b, func(b *busy) {
		for b.Loop() {
			before := inUse()
			var open []net.Conn
			for n := range benchStreams {
				open = append(open, b.stream(b.tokens[n/8]))
			}
			b.ReportMetric(float64(inUse()-before)/1024/benchStreams, "KiB/stream")
			for _, each := range open {
				each.Close()
			}
		}
	})
}

// stream opens a stream and reads until everything that was stored has come.
func (b *busy) stream(token string) net.Conn {
	connection, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	b.must(err)
	_, err = fmt.Fprintf(connection, "GET /api/v1/notifications/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n", token)
	b.must(err)
	for lines := bufio.NewScanner(connection); lines.Scan(); {
		if lines.Text() == ": now" {
			return connection
		}
	}
	b.Fatal("the stream ended")
	return nil
}

func inUse() int64 {
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	return int64(memory.HeapInuse + memory.StackInuse)
}
