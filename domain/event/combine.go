package event

// Bounds of a group in formats that have none of their own.
const (
	largestGroup = 500     // notifications
	longestGroup = 4 << 20 // bytes of payloads
)

// Combine splits notifications, in the order in which things happened, into those
// that are told together: each group has one cause and as many as one message of
// the endpoint's format can list. None is left out, and what is told about one
// subject keeps its order from group to group.
func Combine(e Endpoint, notifications []Notification, account Account) [][]Notification {
	p := packer{format: e.Format, account: account, open: map[Cause]int{}, last: map[string]int{}}
	for _, n := range notifications {
		p.add(n)
	}
	groups := make([][]Notification, len(p.groups))
	for i, g := range p.groups {
		groups[i] = g.notifications
	}
	return groups
}

// packer puts notifications into groups.
type packer struct {
	format  Format
	account Account // whose links take room
	groups  []pack
	open    map[Cause]int  // the group of each cause that takes more
	last    map[string]int // the last group that tells of a subject
}

type pack struct {
	notifications []Notification
	bytes         int // of their payloads
	characters    int // that they take in a list
}

// add puts a notification into the open group of its cause, unless that is full,
// or a later group tells of the same subject: then it begins another.
func (p *packer) add(n Notification) {
	characters := p.format.room().cost(newItem(n, p.account))
	at, open := p.open[n.Cause]
	if !open || p.last[n.Subject] > at || !p.fits(p.groups[at], n, characters) {
		at = len(p.groups)
		p.groups = append(p.groups, pack{})
	}
	g := &p.groups[at]
	g.notifications, g.bytes, g.characters = append(g.notifications, n), g.bytes+len(n.Payload), g.characters+characters
	p.open[n.Cause], p.last[n.Subject] = at, at
}

func (p *packer) fits(g pack, n Notification, characters int) bool {
	room := p.format.room()
	return len(g.notifications) < largestGroup && g.bytes+len(n.Payload) <= longestGroup &&
		(!room.bounded() || g.characters+characters <= room.characters)
}
