package policy

import "testing"

func TestPythonTexts(t *testing.T) {
	t.Parallel()
	got := pythonList([]string{"a", "it's", `it's "it"`, `back\slash`})
	if want := `['a', "it's", 'it\'s "it"', 'back\\slash']`; got != want {
		t.Errorf("list %s, want %s", got, want)
	}
	for value, want := range map[float64]string{7: "7.0", 7.5: "7.5", -1: "-1.0", 10: "10.0"} {
		if got := pythonFloat(value); got != want {
			t.Errorf("number %s, want %s", got, want)
		}
	}
}
