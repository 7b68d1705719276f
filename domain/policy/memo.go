package policy

// memo holds what the rules of one evaluation share: intermediate results, the
// compiled expressions of the bundle, and the limits on what all of them together
// may cost. It serves one goroutine.
type memo struct {
	values map[string]any
	// expressions are those of the bundle, by their texts.
	expressions map[string]*expression
	timeLimit   *timeLimit
	room        room
}

func newMemo(b *timeLimit, expressions map[string]*expression) *memo {
	return &memo{
		values:      map[string]any{},
		expressions: expressions,
		timeLimit:   b,
		room:        room{rows: maxRows, text: maxRowText},
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

// pattern is the compiled expression, within the time limit of the evaluation. Those
// of rules without faults were compiled with the bundle.
func (c *check) pattern(text string) (*pattern, error) {
	known := c.memo.expressions[text]
	if known == nil {
		var err error
		if known, err = newExpression(text); err != nil {
			return nil, err
		}
	}
	return &pattern{expression: known, timeLimit: c.memo.timeLimit}, nil
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

// take reports whether there is room for one more row. Where one was refused, all
// are.
func (r *room) take(f firing) bool {
	size := len(f.id) + len(f.message)
	if r.exhausted || r.rows < 1 || r.text < size {
		r.exhausted = true
		return false
	}
	r.rows--
	r.text -= size
	return true
}
