package policy

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func itemOf(id, gate, trigger, expires string) string {
	return fmt.Sprintf(`{"id": %q, "gate": %q, "trigger_id": %q, "expires_on": %q}`, id, gate, trigger, expires)
}

func TestWhitelistItem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		gate, trigger, expires string
		want                   bool
	}{
		{"always", "always", "", true},
		{"ALWAYS", "al*", "", true},
		{"ALWAYS", "Always", "", false},
		{"always", "regexp:al", "", true},
		{"always", "regexp:^ways", "", false},
		{"always", "always", "2020-01-01T00:00:00Z", false},
		{"always", "always", "2099-01-01T00:00:00Z", true},
		{"always", "always", "2026-06-01T12:00:00Z", false},
		{"always", "always", "2026-06-01T12:00:00.001Z", true},
		{"files", "always", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.gate+" "+tt.trigger+" "+tt.expires, func(t *testing.T) {
			t.Parallel()
			b := parse(t, parts{
				whitelists: whitelistOf("w", itemOf("i", tt.gate, tt.trigger, tt.expires)),
				mappings:   mappingOf("*", "*", "tag", "*", `"p"`, `"w"`),
			}.document())
			got := evaluate(t, b, input(), noon)
			if whitelisted := got.FinalAction == Go; whitelisted != tt.want {
				t.Errorf("whitelisted %v, want %v", whitelisted, tt.want)
			}
		})
	}
}

func TestFirstItemIsReported(t *testing.T) {
	t.Parallel()
	b := parse(t, parts{
		whitelists: whitelistOf("first", itemOf("expired", "always", "always", "2020-01-01T00:00:00Z"), itemOf("other", "always", "never", "")) + "," +
			whitelistOf("second", itemOf("expression", "always", "regexp:al", ""), itemOf("exact", "always", "always", "")) + "," +
			whitelistOf("third", itemOf("exact", "always", "always", "")),
		mappings: mappingOf("*", "*", "tag", "*", `"p"`, `"first", "second", "third"`),
	}.document())
	got := evaluate(t, b, input(), noon).Rows[0].Waiver
	want := Waiver{WhitelistID: "second", WhitelistName: "name of second", ItemID: "expression", TriggerID: "regexp:al"}
	if got == nil || *got != want {
		t.Errorf("waiver %+v, want %+v", got, want)
	}
}

// TestIndexFindsWhatAScanFinds compares the index with looking at all items.
func TestIndexFindsWhatAScanFinds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var items []Item
		index := newItemIndex()
		for position := range 12 {
			items = append(items, randomItem(random))
			index.add(position, &items[position])
		}
		index.sort()
		id := randomText(random, "ab+", 4)
		want := scan(items, id)
		got, err := index.find(id, noon, noTimeLimit())
		if err != nil || (got == nil) != (want == nil) || (got != nil && got.ID != want.ID) {
			t.Fatalf("id %q among %+v: found %+v, %v, want %+v", id, items, got, err, want)
		}
	}
}

func scan(items []Item, id string) *Item {
	for i := range items {
		matched, _ := items[i].pattern.match(id, noTimeLimit())
		if matched && !items[i].expired(noon) {
			return &items[i]
		}
	}
	return nil
}

func randomItem(random *rand.Rand) Item {
	text := randomText(random, "ab+**", 5)
	if random.IntN(5) == 0 {
		text = expressionPrefix + randomText(random, "ab.", 3)
	}
	item := Item{ID: fmt.Sprint(random.Int()), TriggerID: text}
	item.pattern, _ = newMatcher(text, newExpression)
	if random.IntN(4) == 0 {
		item.Expires = noon.Add(time.Duration(random.IntN(3)-1) * time.Hour)
	}
	return item
}

func randomText(random *rand.Rand, letters string, longest int) string {
	text := make([]byte, random.IntN(longest+1))
	for i := range text {
		text[i] = letters[random.IntN(len(letters))]
	}
	return string(text)
}

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want string // "" for an error
	}{
		{"2030-01-31T10:20:30Z", "2030-01-31T10:20:30Z"},
		{"2030-01-31T10:20:30.5Z", "2030-01-31T10:20:30.5Z"},
		{"2030-01-31T10:20:30.123456Z", "2030-01-31T10:20:30.123456Z"},
		{"2030-01-31T10:20:30:123Z", "2030-01-31T10:20:30.123Z"},
		{"2030-01-31T10:20:30+02:00", "2030-01-31T08:20:30Z"},
		{"2030-01-31T10:20:30.25-01:00", "2030-01-31T11:20:30.25Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000001Z"},
		{"2030-01-31", ""},
		{"2030-01-31T10:20:30", ""},
		{"2030-01-31 10:20:30Z", ""},
		{"2030-02-31T10:20:30Z", ""},
		{"2030-01-31T10:20:30:1234567Z", ""},
		{"never", ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := parseExpiry(tt.text)
			if tt.want == "" {
				if err == nil {
					t.Errorf("read as %s, want an error", got)
				}
				return
			}
			if err != nil || got.Format(time.RFC3339Nano) != tt.want {
				t.Errorf("read as %s, %v, want %s", got.Format(time.RFC3339Nano), err, tt.want)
			}
		})
	}
}
