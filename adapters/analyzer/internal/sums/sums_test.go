package sums

import (
	"archive/tar"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

type member struct {
	name, content, link string
	kind                byte
}

func archiveOf(t *testing.T, members ...member) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "layer.tar"))
	if err != nil {
		t.Fatal(err)
	}
	writer := tar.NewWriter(file)
	for _, each := range members {
		header := &tar.Header{Name: each.name, Typeflag: each.kind, Linkname: each.link, Size: int64(len(each.content)), Mode: 0o644}
		if err := writer.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write([]byte(each.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(writer.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

func unlimited(int64) error { return nil }

func TestFind(t *testing.T) {
	t.Parallel()
	archive := archiveOf(t,
		member{name: "etc/file", content: "text", kind: tar.TypeReg},
		member{name: "./dotted/../file", content: "clean", kind: tar.TypeReg},
		member{name: "empty", kind: tar.TypeReg},
		member{name: "twice", content: "first", kind: tar.TypeReg},
		member{name: "twice", content: "second", kind: tar.TypeReg},
		member{name: "turned", content: "file", kind: tar.TypeReg},
		member{name: "turned", kind: tar.TypeDir},
		member{name: "hard", link: "etc/file", kind: tar.TypeLink},
		member{name: "harder", link: "hard", kind: tar.TypeLink},
		member{name: "lost", link: "lower/layer", kind: tar.TypeLink},
		member{name: "soft", link: "etc/file", kind: tar.TypeSymlink},
	)
	name := filepath.Join(t.TempDir(), "sums")
	if err := Compute(t.Context(), archive, MD5, unlimited, name); err != nil {
		t.Fatal(err)
	}
	table, err := Read(name, MD5)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, content string }{
		{"/etc/file", "text"}, {"/file", "clean"}, {"/empty", ""}, {"/twice", "second"}, {"/hard", "text"},
	} {
		if got, want := table.Find(test.path), fmt.Sprintf("%x", md5.Sum([]byte(test.content))); got != want {
			t.Errorf("%s has digest %q, want %q", test.path, got, want)
		}
	}
	for _, path := range []string{"/turned", "/harder", "/lost", "/soft", "/etc", "/none"} {
		if table.Holds(path) {
			t.Errorf("%s has a digest", path)
		}
	}
}

func TestComputeEnds(t *testing.T) {
	t.Parallel()
	archive := archiveOf(t, member{name: "file", content: "text", kind: tar.TypeReg})
	enough := errors.New("enough")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name  string
		ctx   context.Context
		spend func(int64) error
		want  error
	}{
		{"when the image claims too much", t.Context(), func(int64) error { return enough }, enough},
		{"when the analysis does", canceled, unlimited, context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(t.TempDir(), "sums")
			if err := Compute(test.ctx, archive, SHA256, test.spend, name); !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if table, err := Read(name, SHA256); err != nil || table.Holds("/file") {
				t.Errorf("a table was written, %v", err)
			}
		})
	}
}

func TestReadRefusesHalfARecord(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "sums")
	if err := os.WriteFile(name, make([]byte, 47), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(name, SHA256); err == nil {
		t.Error("half a record is a table")
	}
}
