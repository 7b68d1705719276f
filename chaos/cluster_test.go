package main

import "testing"

// TestFollowed: what the check of subscriptions does not notice, no run would.
func TestFollowed(t *testing.T) {
	t.Parallel()
	before := map[string]string{"app:1 tag_update": "noon", "app:2 tag_update": "noon"}
	for name, test := range map[string]struct {
		wanted []string
		now    map[string]string
		says   string
		again  bool
	}{
		"as it is":              {[]string{"app:1 tag_update", "app:2 tag_update"}, before, "", false},
		"one was added":         {[]string{"app:3 tag_update"}, map[string]string{"app:3 tag_update": "one"}, "", false},
		"one is missing":        {[]string{"app:1 tag_update", "app:2 tag_update"}, map[string]string{"app:1 tag_update": "noon"}, "no subscription app:2 tag_update", false},
		"one goes on":           {[]string{"app:1 tag_update"}, before, "the subscription app:2 tag_update goes on", false},
		"one ended for a while": {[]string{"app:1 tag_update"}, map[string]string{"app:1 tag_update": "one"}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := differ(test.wanted, test.now); got != test.says {
				t.Errorf("it says %q, want %q", got, test.says)
			}
			if err := lasted(before, test.now); (err != nil) != test.again {
				t.Errorf("it says %v, want an error: %t", err, test.again)
			}
		})
	}
}
