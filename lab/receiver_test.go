package lab_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

func newReceiver(t *testing.T) *lab.Receiver {
	t.Helper()
	receiver, err := lab.NewReceiver()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = receiver.Close() })
	return receiver
}

// post returns the status, 0 for a broken connection.
func post(t *testing.T, url, body string) int {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestReceiverAnswersInSequence(t *testing.T) {
	receiver := newReceiver(t)
	receiver.Answer(500, 429)
	var got []int
	for range 3 {
		got = append(got, post(t, receiver.URL()+"/hook", "{}"))
	}
	receiver.AnswerAlways(410)
	got = append(got, post(t, receiver.URL()+"/hook", "{}"))
	if want := []int{500, 429, 200, 410}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReceiverKeepsWhatItFails(t *testing.T) {
	receiver := newReceiver(t)
	receiver.Fail(lab.Fault{Drop: true, Times: 1})
	if got := post(t, receiver.URL()+"/hook", "first"); got != 0 {
		t.Errorf("dropped request: got %d", got)
	}
	if got := post(t, receiver.URL()+"/hook", "second"); got != 200 {
		t.Errorf("next request: got %d", got)
	}
	hooks, err := receiver.WaitFor(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if string(hooks[0].Body) != "first" || hooks[1].Path != "/hook" || hooks[1].Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v", hooks)
	}
}

func TestNextWaits(t *testing.T) {
	receiver := newReceiver(t)
	arrived := make(chan lab.Hook)
	go func() {
		hook, _ := receiver.Next(t.Context())
		arrived <- hook
	}()
	post(t, receiver.URL(), "one")
	post(t, receiver.URL(), "two")
	if hook := <-arrived; string(hook.Body) != "one" {
		t.Errorf("first: got %q", hook.Body)
	}
	if hook, err := receiver.Next(t.Context()); err != nil || string(hook.Body) != "two" {
		t.Errorf("second: got %q, %v", hook.Body, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := receiver.Next(ended); err == nil {
		t.Error("a third one came from nowhere")
	}
	if _, err := receiver.WaitFor(ended, 3); err == nil || !strings.Contains(err.Error(), "2 arrived") {
		t.Errorf("wait for three: got %v", err)
	}
}
