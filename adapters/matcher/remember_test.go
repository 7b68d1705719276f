package matcher

import (
	"errors"
	"runtime"
	"testing"
)

func TestRememberIsBounded(t *testing.T) {
	t.Parallel()
	const each = 1000
	limit := rememberedRows / runtime.GOMAXPROCS(0)
	var m memory[int, []int]
	asked := 0
	get := func(int) ([]int, error) { asked++; return make([]int, each-1), nil }
	for key := range 10 * limit / each {
		for range 2 {
			if _, err := remember(&m, key, count, get); err != nil {
				t.Fatal(err)
			}
		}
		if m.rows > limit || len(m.found)*each != m.rows {
			t.Fatalf("after %d: %d rows of %d answers, the limit is %d", key, m.rows, len(m.found), limit)
		}
	}
	if want := 10 * limit / each; asked != want {
		t.Errorf("asked %d times, want %d", asked, want)
	}
}

func TestRememberForgetsErrors(t *testing.T) {
	t.Parallel()
	var m memory[int, int]
	fails := errors.New("the disk is gone")
	if _, err := remember(&m, 1, nil, func(int) (int, error) { return 0, fails }); err != fails {
		t.Errorf("got %v", err)
	}
	if got, err := remember(&m, 1, nil, func(int) (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("got %d, %v after an error", got, err)
	}
}
