package lab

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Quota is what a [Registry] allows, in the manner of Docker Hub: so many
// requests for manifests in a window that begins with the first of them.
type Quota struct {
	Limit  int
	Window time.Duration
	Heads  bool // HEAD requests count as well
	Silent bool // answers do not tell what is left
}

// quota counts against a Quota.
type quota struct {
	Quota
	mu      sync.Mutex
	began   time.Time
	used    int
	refused int
}

// Allow sets the quota, from now on.
func (r *Registry) Allow(allowed Quota) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.quota = &quota{Quota: allowed}
}

// Refused is how many requests were over the quota.
func (r *Registry) Refused() int {
	r.mu.Lock()
	counted := r.quota
	r.mu.Unlock()
	counted.mu.Lock()
	defer counted.mu.Unlock()
	return counted.refused
}

func (r *Registry) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		counted := r.quota
		r.mu.Unlock()
		if counted == nil || parseCall(req.Method, req.URL.Path).Kind != KindManifest {
			next.ServeHTTP(w, req)
			return
		}
		left, ends := counted.take(req.Method == http.MethodGet || counted.Heads)
		if !counted.Silent {
			w.Header().Set("RateLimit-Limit", fmt.Sprintf("%d;w=%d", counted.Limit, int(counted.Window.Seconds())))
			w.Header().Set("RateLimit-Remaining", fmt.Sprintf("%d;w=%d", max(0, left), int(counted.Window.Seconds())))
		}
		if left < 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(time.Until(ends).Seconds())+1))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// take counts a request and returns how many are left, negative if it is one
// too many, and when the window ends.
func (q *quota) take(counts bool) (left int, ends time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := time.Now(); now.Sub(q.began) >= q.Window {
		q.began, q.used = now, 0
	}
	left = q.Limit - q.used
	if counts {
		left--
		if left < 0 {
			q.refused++
		} else {
			q.used++
		}
	}
	return left, q.began.Add(q.Window)
}
