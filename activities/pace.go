package activities

import "context"

// wakeBatch is how many watchers are woken before the workers are given time to
// catch up.
const wakeBatch = 50

// room keeps a step that wakes many watchers from getting far ahead of the
// workers: what moved and what people ask for would queue behind thousands.
func (a *Activities) room(ctx context.Context, woken int) error {
	if woken%wakeBatch != 0 {
		return nil
	}
	return a.Watchers.Room(ctx)
}
