package lab_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// throughLink is a receiver, the link to it, and a function that posts through it
// on a connection of its own.
func throughLink(t *testing.T) (*lab.Receiver, *lab.Link, func(context.Context) error) {
	t.Helper()
	receiver, err := lab.NewReceiver()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { receiver.Close() })
	link, err := lab.NewLink("tcp", receiver.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return receiver, link, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+link.Host(), strings.NewReader("news"))
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		return err
	}
}

func TestLinkIsSlow(t *testing.T) {
	t.Parallel()
	_, link, post := throughLink(t)
	link.Set(lab.Weather{Latency: 300 * time.Millisecond})
	began := time.Now()
	if err := post(t.Context()); err != nil {
		t.Fatal(err)
	}
	if elapsed := time.Since(began); elapsed < 300*time.Millisecond {
		t.Errorf("the answer came after %s", elapsed)
	}
}

func TestLinkLosesConnections(t *testing.T) {
	t.Parallel()
	receiver, link, post := throughLink(t)
	link.Set(lab.Weather{Loss: 1, Random: rand.New(rand.NewPCG(1, 1))})
	if err := post(t.Context()); err == nil {
		t.Error("the connection lives")
	}
	if got := len(receiver.All()); got != 0 || link.Lost() != 1 {
		t.Errorf("%d requests arrived, %d connections were lost", got, link.Lost())
	}
	link.Set(lab.Weather{})
	if err := post(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLinkSwallowsAnAnswer(t *testing.T) {
	t.Parallel()
	receiver, link, post := throughLink(t)
	link.Watch(func() lab.Spy { return func(piece []byte) bool { return strings.Contains(string(piece), "POST") } })
	if err := post(t.Context()); err == nil {
		t.Error("the answer came")
	}
	if _, err := receiver.WaitFor(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestLinkStandsStill(t *testing.T) {
	t.Parallel()
	receiver, link, post := throughLink(t)
	thaw := link.Freeze()
	hurry, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := post(hurry); err == nil {
		t.Error("an answer came")
	}
	if got := len(receiver.All()); got != 0 {
		t.Errorf("%d requests arrived", got)
	}
	thaw()
	if err := post(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLinkToNobody resets connections, and leads on once somebody is there.
func TestLinkToNobody(t *testing.T) {
	t.Parallel()
	receiver, _, post := throughLink(t)
	if err := receiver.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := post(t.Context()); err == nil {
		t.Error("an answer came")
	}
	if err := receiver.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := post(t.Context()); err != nil {
		t.Error(err)
	}
}
