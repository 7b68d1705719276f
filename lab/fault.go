package lab

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault describes one way to fail. Exactly one of Status, Stall, Drop, CutAfter
// and Replace says how; the other fields say which requests and how many of them.
type Fault struct {
	// Method selects requests by method; empty selects all.
	Method string
	// Path selects requests whose path contains it; empty selects all.
	Path string
	// When selects requests too; nil selects all.
	When func(*http.Request) bool
	// Times is the number of requests that fail; 0 means all until lifted.
	Times int

	// Status answers with this code, Header and Body instead of doing the work.
	Status int
	Header http.Header
	Body   string
	// Stall holds the request until the fault is lifted, then serves it. It ends
	// early when the caller gives up.
	Stall bool
	// Drop breaks the connection without an answer.
	Drop bool
	// CutAfter serves the request but breaks the connection after this many
	// bytes of the answer's body.
	CutAfter int64
	// Replace serves the request and changes the body of the answer, as a proxy in
	// between might. The length is that of the new body.
	Replace func(body []byte) []byte
}

func (f Fault) selects(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) && strings.Contains(r.URL.Path, f.Path) && (f.When == nil || f.When(r))
}

// Faults is the list of faults of a counterpart. The first that selects a request
// applies.
type Faults struct {
	mu     sync.Mutex
	active []*activeFault
}

// activeFault is a fault with what is left of it.
type activeFault struct {
	Fault
	left   int // meaningful when Times > 0
	lifted chan struct{}
	lift   func() // closes lifted
}

// Fail plays a fault until lift is called or its Times are used up.
func (f *Faults) Fail(fault Fault) (lift func()) {
	lifted := make(chan struct{})
	added := &activeFault{Fault: fault, left: fault.Times, lifted: lifted, lift: sync.OnceFunc(func() { close(lifted) })}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = append(f.active, added)
	return func() { f.remove(added) }
}

// Heal lifts all faults.
func (f *Faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.active {
		fault.lift()
	}
	f.active = nil
}

// Wrap puts the faults in front of a handler.
func (f *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := f.take(r); fault != nil {
			fault.play(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (f *Faults) remove(fault *activeFault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault.lift()
	f.drop(fault)
}

// drop removes a fault from the list; f.mu is held.
func (f *Faults) drop(fault *activeFault) {
	f.active = slices.DeleteFunc(f.active, func(each *activeFault) bool { return each == fault })
}

// take returns the fault for a request and counts it.
func (f *Faults) take(r *http.Request) *activeFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.active {
		if !fault.selects(r) {
			continue
		}
		if fault.left--; fault.Times > 0 && fault.left == 0 {
			f.drop(fault)
		}
		return fault
	}
	return nil
}

func (a *activeFault) play(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch {
	case a.Drop:
		panic(http.ErrAbortHandler)
	case a.Stall:
		a.stall(w, r, next)
	case a.Replace != nil:
		a.replace(w, r, next)
	case a.CutAfter > 0:
		next.ServeHTTP(&cutWriter{ResponseWriter: w, left: a.CutAfter}, r)
	default:
		maps.Copy(w.Header(), a.Header)
		w.WriteHeader(a.Status)
		_, _ = io.WriteString(w, a.Body) // a caller that left does not matter
	}
}

// stall reads the body first: only then does net/http notice that a caller has left.
func (a *activeFault) stall(w http.ResponseWriter, r *http.Request, next http.Handler) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	select {
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-a.lifted:
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	}
}

func (a *activeFault) replace(w http.ResponseWriter, r *http.Request, next http.Handler) {
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	body := a.Replace(answer.Body.Bytes())
	maps.Copy(w.Header(), answer.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body) // a caller that left does not matter
}

// cutWriter passes the first bytes of a body on and then breaks the connection.
type cutWriter struct {
	http.ResponseWriter
	left int64
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if int64(len(p)) <= c.left {
		c.left -= int64(len(p))
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
