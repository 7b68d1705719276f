package image

import "fmt"

// marshal is the value's text; that of the zero value, which names nothing, is
// empty, so that a structure without a name can travel.
func marshal[T interface {
	comparable
	fmt.Stringer
}](value T) ([]byte, error) {
	var zero T
	if value == zero {
		return nil, nil
	}
	return []byte(value.String()), nil
}

// unmarshal is the inverse of marshal.
func unmarshal[T any](value *T, text []byte, parse func(string) (T, error)) (err error) {
	if len(text) == 0 {
		var zero T
		*value = zero
		return nil
	}
	*value, err = parse(string(text))
	return err
}
