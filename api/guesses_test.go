package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/api"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// lookups are tokens whose reading takes as long as the test says.
type lookups struct {
	known               token.Token
	underWay, most, all atomic.Int64
	gate                chan struct{} // closed to let all through
}

func (l *lookups) Token(_ context.Context, id string) (token.Token, error) {
	l.all.Add(1)
	now := l.underWay.Add(1)
	defer l.underWay.Add(-1)
	for most := l.most.Load(); now > most && !l.most.CompareAndSwap(most, now); {
		most = l.most.Load()
	}
	<-l.gate
	if id == l.known.ID {
		return l.known, nil
	}
	return token.Token{}, errkind.NotFound
}

// TestGuessesDoNotOccupyTheDatabase: a client that sent too many wrong tokens has one
// looked up at a time, and a right one gets in among them.
func TestGuessesDoNotOccupyTheDatabase(t *testing.T) {
	t.Parallel()
	made := func() (token.Token, string) {
		stored, text, err := token.New("ci", token.Read, nil, now.Add(-time.Hour), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return stored, text
	}
	known, right := made()
	_, wrong := made()
	tokens := &lookups{known: known, gate: make(chan struct{})}
	served, err := api.New(api.Options{Tokens: tokens, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(text string) int {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/none", nil)
		request.Header.Set("Authorization", "Bearer "+text)
		answer := httptest.NewRecorder()
		served.ServeHTTP(answer, request)
		return answer.Code
	}
	for range 40 { // of texts that cannot be tokens, which are not looked up
		ask("guess")
	}
	if tokens.all.Load() != 0 {
		t.Errorf("%d lookups of what cannot be a token", tokens.all.Load())
	}
	var answered sync.WaitGroup
	statuses := make(chan int, 10)
	for range 9 {
		answered.Go(func() { statuses <- ask(wrong) })
	}
	answered.Go(func() {
		if got := ask(right); got != http.StatusNotFound {
			t.Errorf("the right token: %d", got)
		}
	})
	for tokens.all.Load() == 0 {
		time.Sleep(time.Millisecond) // until the first is looked up
	}
	close(tokens.gate)
	answered.Wait()
	close(statuses)
	for got := range statuses {
		if got != http.StatusTooManyRequests && got != http.StatusUnauthorized {
			t.Errorf("a wrong token: %d", got)
		}
	}
	if tokens.most.Load() != 1 || tokens.all.Load() != 10 {
		t.Errorf("%d lookups, %d of them at once", tokens.all.Load(), tokens.most.Load())
	}
}
