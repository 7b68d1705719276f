package lab_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// hello is a server with faults that answers "hello world".
func hello(t *testing.T) (*lab.Server, *lab.Faults) {
	t.Helper()
	faults := &lab.Faults{}
	server, err := lab.Serve(faults.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello world")
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server, faults
}

// get returns status and body, "broken" for a connection that broke or was refused.
func get(ctx context.Context, url string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	request.Close = true // a reused connection would hide a pause
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "broken"
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return response.Status + " " + string(body) + " broken"
	}
	return response.Status + " " + string(body)
}

func TestServerComesBackOnItsPort(t *testing.T) {
	server, _ := hello(t)
	host := server.Host()
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	if got := get(t.Context(), server.URL()); got != "broken" {
		t.Errorf("paused: got %q", got)
	}
	if err := errors.Join(server.Pause(), server.Resume(), server.Resume()); err != nil {
		t.Fatal(err)
	}
	if got := get(t.Context(), server.URL()); got != "200 OK hello world" || server.Host() != host {
		t.Errorf("resumed: got %q from %s, was %s", got, server.Host(), host)
	}
}

func TestFaults(t *testing.T) {
	cases := []struct {
		name  string
		fault lab.Fault
		want  string // answers to /a, /a and /b
	}{
		{"status", lab.Fault{Status: 503, Body: "later"},
			"503 Service Unavailable later, 503 Service Unavailable later, 503 Service Unavailable later"},
		{"once", lab.Fault{Status: 429, Times: 1}, "429 Too Many Requests , 200 OK hello world, 200 OK hello world"},
		{"path", lab.Fault{Drop: true, Path: "/b"}, "200 OK hello world, 200 OK hello world, broken"},
		{"method", lab.Fault{Drop: true, Method: http.MethodHead}, "200 OK hello world, 200 OK hello world, 200 OK hello world"},
		{"cut", lab.Fault{CutAfter: 5, Path: "/a", Times: 1}, "200 OK hello broken, 200 OK hello world, 200 OK hello world"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server, faults := hello(t)
			lift := faults.Fail(c.fault)
			var got []string
			for _, path := range []string{"/a", "/a", "/b"} {
				got = append(got, get(t.Context(), server.URL()+path))
			}
			if answers := strings.Join(got, ", "); answers != c.want {
				t.Errorf("got %q, want %q", answers, c.want)
			}
			lift()
			if got := get(t.Context(), server.URL()+"/b"); got != "200 OK hello world" {
				t.Errorf("after lifting: got %q", got)
			}
		})
	}
}

func TestStallHoldsUntilHealed(t *testing.T) {
	server, faults := hello(t)
	faults.Fail(lab.Fault{Stall: true})
	answer := make(chan string)
	go func() { answer <- get(t.Context(), server.URL()) }()

	impatient, leave := context.WithCancel(t.Context())
	leave()
	if got := get(impatient, server.URL()); got != "broken" {
		t.Errorf("impatient caller: got %q", got)
	}
	faults.Heal()
	if got := <-answer; got != "200 OK hello world" {
		t.Errorf("patient caller: got %q", got)
	}
}
