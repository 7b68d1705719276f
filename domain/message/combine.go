package message

import (
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Limits of a group in formats without their own.
const (
	largestGroup = 500     // notifications
	longestGroup = 4 << 20 // bytes of payloads
)

// Combine groups notifications, which are in order of time, into messages: each group has
// one cause and as many notifications as a message of the endpoint's format can list. None
// is left out, and those about one subject keep their order.
func Combine(f Form, notifications []notification.Notification, account Account) [][]notification.Notification {
	p := packer{form: f, account: account, open: map[notification.Cause]int{}, last: map[string]int{}}
	for _, n := range notifications {
		p.add(n)
	}
	groups := make([][]notification.Notification, len(p.groups))
	for i, g := range p.groups {
		groups[i] = g.notifications
	}
	return groups
}

type packer struct {
	form    Form
	account Account // whose links take room
	groups  []pack
	open    map[notification.Cause]int // the group of each cause that takes more
	last    map[string]int             // the last group about a subject
}

type pack struct {
	notifications []notification.Notification
	payloads      int // their bytes
	body          int // bytes that they take in a body that has no room for text
	characters    int // that they take in a list
}

// add begins another group if that of the cause is full, or if a later group is about the
// same subject.
func (p *packer) add(n notification.Notification) {
	one := p.pack(n)
	at, open := p.open[n.Cause]
	if !open || p.last[n.Subject] > at || !p.fits(p.groups[at].plus(one)) {
		at = len(p.groups)
		p.groups = append(p.groups, pack{})
	}
	p.groups[at] = p.groups[at].plus(one)
	p.open[n.Cause], p.last[n.Subject] = at, at
}

func (p *packer) pack(n notification.Notification) pack {
	return pack{notifications: []notification.Notification{n}, payloads: len(n.Payload), body: p.size(n), characters: p.form.room().cost(newItem(n, p.account))}
}

func (g pack) plus(other pack) pack {
	return pack{append(g.notifications, other.notifications...), g.payloads + other.payloads, g.body + other.body, g.characters + other.characters}
}

func (p *packer) fits(g pack) bool {
	room, most := p.form.room(), p.form.MaxBody
	return len(g.notifications) <= largestGroup && g.payloads <= longestGroup && (most == 0 || g.body <= most-frameSize) &&
		(!room.bounded() || g.characters <= room.characters)
}

// memberSize is room for what a notification has in a group beside its payload: the
// attributes of a CloudEvent, and what its link is put in.
const memberSize = 512

// size is how many bytes a notification takes in a group at most; none where its
// summary is what counts.
func (p *packer) size(n notification.Notification) int {
	payload := len(n.Payload)
	switch {
	case p.form.Format.lists():
		return 0
	case p.form.Format == FormatSlim:
		s, err := newSlim(n, p.account)
		if content, failed := notification.Encode(s); err == nil && failed == nil {
			payload = len(content)
		}
	}
	return payload + len(p.account.link(n)) + memberSize
}
