package policy

// memo holds what the rules of one evaluation share: intermediate results and
// compiled patterns, and the limits on what all of them together may cost. It
// serves one goroutine.
type memo struct {
	values   map[string]any
	patterns map[string]*expression
	budget   budget
	room     room
}

func newMemo() *memo {
	return &memo{
		values:   map[string]any{},
		patterns: map[string]*expression{},
		room:     room{rows: maxRows, text: maxRowText},
	}
}

// shared returns what compute returned the first time that an evaluation asked
// for the key. Keys are the name of the gate and a word, as in "dockerfile lines".
func shared[T any](c *check, key string, compute func() T) T {
	if known, found := c.memo.values[key].(T); found {
		return known
	}
	value := compute()
	c.memo.values[key] = value
	return value
}

// pattern is the compiled expression, within the budget of the evaluation.
func (c *check) pattern(text string) (*pattern, error) {
	known, found := c.memo.patterns[text]
	if !found {
		compiled, err := newExpression(text)
		if err != nil {
			return nil, err
		}
		known = compiled
		c.memo.patterns[text] = known
	}
	return &pattern{expression: known, budget: &c.memo.budget}, nil
}

// Limits on the rows of one evaluation. A rule on file names can fire for each
// file of an image, and a file name can be as long as its author likes.
const (
	maxRows    = 100_000
	maxRowText = 32 << 20 // bytes of all trigger ids and messages
)

// room is what is left for rows in an evaluation.
type room struct {
	rows, text int
	exhausted  bool
}

// take tells whether there is room for one more row.
func (r *room) take(f firing) bool {
	size := len(f.id) + len(f.message)
	if r.rows < 1 || r.text < size {
		r.exhausted = true
		return false
	}
	r.rows--
	r.text -= size
	return true
}
