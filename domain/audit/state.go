package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// State is how a subject is: what it really is, to see changes, and what of that may be
// recorded.
type State struct {
	real, shown any
	naming      []string
}

// Absent is the state of what does not exist.
var Absent = State{}

// Exists reports that there is the subject.
func (s State) Exists() bool { return s.real != nil }

// Plain is a state without secrets.
func Plain(value any) State { return State{real: value, shown: value} }

// Hiding is a state of which only what is shown may be recorded. shown has the fields of
// the value, with other text where a secret may be.
func Hiding(value, shown any) State { return State{real: value, shown: shown} }

// Naming has the fields of those names shown even if they do not change: they say which of
// several things with the same subject it is.
func (s State) Naming(fields ...string) State {
	s.naming = fields
	return s
}

// changed stands behind a text that looks the same as before, for what is not shown of it.
const changed = " (changed)"

// Compare returns the fields in which the states differ, as they may be recorded: nil
// for a state that is Absent, and nil for both if they do not differ.
func Compare(before, after State) (was, is json.RawMessage, err error) {
	var real, shown [2]any
	for i, s := range []State{before, after} {
		if real[i], err = generic(s.real); err != nil {
			return nil, nil, err
		}
		if shown[i], err = generic(s.shown); err != nil {
			return nil, nil, err
		}
	}
	if reflect.DeepEqual(real[0], real[1]) {
		return nil, nil, nil
	}
	if real[0] != nil && real[1] != nil {
		fewerBefore, fewerAfter := difference(real[0], real[1], shown[0], shown[1])
		shown[0], shown[1] = with(fewerBefore, shown[0], before.naming), with(fewerAfter, shown[1], after.naming)
	}
	if was, err = encode(shown[0]); err != nil {
		return nil, nil, err
	}
	is, err = encode(shown[1])
	return was, is, err
}

// with adds the named fields of an object to fewer of its fields.
func with(fewer, all any, names []string) any {
	fields, object := fewer.(map[string]any)
	from, _ := all.(map[string]any)
	for _, name := range names {
		if value, there := from[name]; object && there && fields[name] == nil {
			fields[name] = value
		}
	}
	return fewer
}

// difference leaves to objects the fields that differ.
func difference(realBefore, realAfter, before, after any) (was, is any) {
	fieldsBefore, object := realBefore.(map[string]any)
	fieldsAfter, both := realAfter.(map[string]any)
	if !object || !both {
		return before, marked(before, after)
	}
	shownBefore, _ := before.(map[string]any)
	shownAfter, _ := after.(map[string]any)
	fewerBefore, fewerAfter := map[string]any{}, map[string]any{}
	for name, value := range fieldsBefore {
		now, stays := fieldsAfter[name]
		switch {
		case !stays:
			fewerBefore[name] = shownBefore[name]
		case !reflect.DeepEqual(value, now):
			fewerBefore[name], fewerAfter[name] = difference(value, now, shownBefore[name], shownAfter[name])
		}
	}
	for name := range fieldsAfter {
		if _, known := fieldsBefore[name]; !known {
			fewerAfter[name] = shownAfter[name]
		}
	}
	return fewerBefore, fewerAfter
}

// marked is what is shown after a change, told from what was shown before it.
func marked(before, after any) any {
	if !reflect.DeepEqual(before, after) {
		return after
	}
	if text, ok := after.(string); ok {
		return text + changed
	}
	return after
}

// generic is a value as JSON has it.
func generic(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var decoded any
	err = json.Unmarshal(text, &decoded)
	return decoded, err
}

func encode(value any) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(text.Bytes()), err
}
