package message

import (
	"cmp"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// room is what one message of a chat service can list.
type room struct {
	characters int // for all lines; 0 for no limit
	markup     int // that a line has around its text and link
}

// rooms leave space for a title and a last line within what the services take:
// Slack divides a text of more than 4,000 characters, Discord refuses one of more
// than 2,000, Teams a request of more than 28 KB. Text has our own bound.
//
// https://docs.slack.dev/changelog/2018-truncating-really-long-messages
// https://discord.com/developers/docs/resources/webhook#execute-webhook
// https://learn.microsoft.com/microsoftteams/limits-specifications-teams
var rooms = map[Format]room{
	FormatSlack:   {characters: 3600, markup: 16},
	FormatDiscord: {characters: 1700, markup: 20},
	FormatTeams:   {characters: 24000, markup: 80},
	FormatText:    {characters: maxTemplateBytes / 2, markup: 4},
}

// Limits of a line in the built-in templates, in characters.
const (
	maxSummary = 300
	maxLink    = 500 // a longer one is left out: it would not work if cut
)

// defaultMarkup is what a line of a template of one's own is taken to have.
const defaultMarkup = 10

// room is that of the endpoint's format, within the largest body that it takes.
func (f Form) room() room {
	r := rooms[f.Format]
	if f.Format.lists() && f.MaxBody > 0 {
		r.characters = min(cmp.Or(r.characters, f.MaxBody), f.MaxBody-frameSize)
		r.markup = cmp.Or(r.markup, defaultMarkup)
	}
	return r
}

// lists reports whether bodies in the format are texts that list summaries.
func (f Format) lists() bool { return f != FormatSlim && !f.HasSlim() }

// frameSize is room for what a body has beside its notifications.
const frameSize = 2 << 10

func (r room) bounded() bool { return r.characters > 0 }

// cost is how much of the room an item takes at most, whichever way its text is
// escaped. Bytes stand for characters: they are never fewer.
func (r room) cost(i Item) int {
	summary := plain.Truncate(maxSummary, i.Summary)
	quoted, err := jsonEscape(escapeMarkdown(summary))
	if err != nil {
		quoted = summary
	}
	return max(len(quoted), len(escapeSlack(summary))) + len(i.Link) + r.markup
}

// fit is as many of the items as have room, at least one.
func (r room) fit(items []Item) []Item {
	if !r.bounded() {
		return items
	}
	left := r.characters
	for n, item := range items {
		if left -= r.cost(item); left < 0 {
			return items[:max(n, min(1, len(items)))]
		}
	}
	return items
}
