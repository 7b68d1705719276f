package main

import (
	"bytes"
	"testing"
	"time"
)

func TestAgo(t *testing.T) {
	t.Parallel()
	s := &session{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for _, test := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"never", time.Time{}, "never"},
		{"seconds", s.now.Add(-59 * time.Second), "59s ago"},
		{"minutes", s.now.Add(-119 * time.Second), "1m ago"},
		{"hours", s.now.Add(-47 * time.Hour), "47h ago"},
		{"days", s.now.Add(-48 * time.Hour), "2d ago"},
		{"to come", s.now.Add(5 * time.Minute), "in 5m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := s.ago(test.at); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"1 tag": number(1, "tag"), "0 tags": number(0, "tag"), "2 deliveries": number(2, "delivery"), "1 delivery is": isAre(1, "delivery"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := newTable("NAME", "MESSAGE")
	table.row(bad, "ünï", "two\nlines\x1b[31m")
	table.row(ordinary, "longer name", "")
	var out bytes.Buffer
	table.write(&out)
	want := "NAME         MESSAGE\nünï          two lines\ufffd[31m\nlonger name\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
