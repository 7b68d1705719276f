package licenses

import (
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"unsafe"

	"github.com/google/licensecheck"
)

// scanner has the layout of licensecheck.Scanner, which has no other way to set its
// fields. checkLayout compares them.
type scanner struct {
	licenses []licensecheck.License
	urls     map[string]licensecheck.License
	re       *texts
}

// texts recognizes the texts of licenses.
type texts struct {
	dict  *words
	dfa   []int32 // the automaton
	start map[phrase]struct{}
}

// words are the words of all licenses. A word's number is its index.
type words struct {
	dict map[string]int32
	list []string
}

// phrase is two words with which a license starts.
type phrase [2]int32

func fieldsOf(s *licensecheck.Scanner) *scanner { return (*scanner)(unsafe.Pointer(s)) }

// checkLayout compares the types with the library's.
func checkLayout() error {
	if !alike(reflect.TypeFor[scanner](), reflect.TypeFor[licensecheck.Scanner]()) {
		return errors.New("this version of the library licensecheck has other fields")
	}
	return nil
}

// alike reports whether two types have the same layout and names of fields.
func alike(a, b reflect.Type) bool {
	if a == b {
		return true
	}
	if a.Kind() != b.Kind() || a.Size() != b.Size() {
		return false
	}
	switch a.Kind() {
	case reflect.Struct:
		return alikeFields(a, b)
	case reflect.Map:
		return alike(a.Key(), b.Key()) && alike(a.Elem(), b.Elem())
	case reflect.Pointer, reflect.Slice:
		return alike(a.Elem(), b.Elem())
	case reflect.Array:
		return a.Len() == b.Len() && alike(a.Elem(), b.Elem())
	}
	return a.Kind() <= reflect.Complex128 || a.Kind() == reflect.String
}

func alikeFields(a, b reflect.Type) bool {
	if a.NumField() != b.NumField() {
		return false
	}
	for i := range a.NumField() {
		if x, y := a.Field(i), b.Field(i); x.Name != y.Name || x.Offset != y.Offset || !alike(x.Type, y.Type) {
			return false
		}
	}
	return true
}

// lengths are numbers of elements.
type lengths struct{ Automaton, Starts int32 }

// pack writes lengths, the automaton, the phrases, and the words, one a line. The
// library itself has the rest.
func pack(t *texts) ([]byte, error) {
	starts := make([]phrase, 0, len(t.start))
	for each := range t.start {
		starts = append(starts, each)
	}
	var content []byte
	for _, part := range []any{lengths{int32(len(t.dfa)), int32(len(starts))}, t.dfa, starts, []byte(strings.Join(t.dict.list, "\n"))} {
		var err error
		if content, err = binary.Append(content, binary.NativeEndian, part); err != nil {
			return nil, err
		}
	}
	return content, nil
}

// unpack reads what pack of the same program wrote. The scanner keeps the content.
func unpack(content []byte) (*licensecheck.Scanner, error) {
	if err := checkLayout(); err != nil {
		return nil, err
	}
	var of lengths
	n, err := binary.Decode(content, binary.NativeEndian, &of)
	if err != nil {
		return nil, err
	}
	automaton := unsafe.Slice((*int32)(unsafe.Pointer(&content[n])), of.Automaton)
	content = content[n+binary.Size(automaton):]
	starts := make([]phrase, of.Starts)
	if n, err = binary.Decode(content, binary.NativeEndian, starts); err != nil {
		return nil, err
	}
	return assemble(strings.Split(string(content[n:]), "\n"), starts, automaton), nil
}

// assemble makes a scanner as the library's NewScanner does.
func assemble(list []string, starts []phrase, automaton []int32) *licensecheck.Scanner {
	made := &scanner{urls: map[string]licensecheck.License{}, re: &texts{
		dict:  &words{dict: make(map[string]int32, len(list)), list: list},
		dfa:   automaton,
		start: make(map[phrase]struct{}, len(starts)),
	}}
	for i, word := range list {
		made.re.dict.dict[word] = int32(i)
	}
	for _, each := range starts {
		made.re.start[each] = struct{}{}
	}
	for _, license := range licensecheck.BuiltinLicenses() {
		if license.URL != "" {
			made.urls[license.URL] = license
		}
		if license.LRE != "" {
			made.licenses = append(made.licenses, license)
		}
	}
	return (*licensecheck.Scanner)(unsafe.Pointer(made))
}
