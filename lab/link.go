package lab

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Link is the way from one part to another: a TCP relay that can be slow, lose
// connections, stand still, and swallow an answer.
type Link struct {
	network, address string // of the part that it leads to
	listener         net.Listener

	mu      sync.Mutex
	weather Weather
	moves   chan struct{} // closed unless the link stands still
	watch   func() Spy
	open    map[net.Conn]struct{} // both sides of all connections
	lost    int
	late    int
	held    int
}

// Weather is what a link does to what it carries.
type Weather struct {
	// Latency is how much later each answer arrives.
	Latency time.Duration
	// Loss is the share of pieces at which the connection is reset, as Random
	// decides.
	Loss   float64
	Random *rand.Rand
}

// Spy reads what the client of one connection sends, piece by piece, and reports
// whether the link is to swallow the answer to a piece and reset the connection.
type Spy func(piece []byte) (cut bool)

// NewLink starts a link to an address, which need not be there yet.
func NewLink(network, address string) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a link: %w", err)
	}
	l := &Link{network: network, address: address, listener: listener, moves: make(chan struct{}), open: map[net.Conn]struct{}{}}
	close(l.moves)
	go l.accept()
	return l, nil
}

// Host is the address with its port at which the link begins.
func (l *Link) Host() string { return l.listener.Addr().String() }

// Set changes the weather, also for connections that are open.
func (l *Link) Set(weather Weather) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.weather = weather
}

// Watch has a spy of its own look at each connection that is opened from now on.
func (l *Link) Watch(spies func() Spy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watch = spies
}

// Freeze stops the link as a signal stops a process: the kernel goes on accepting
// connections and acknowledging what they carry, and nobody reads it.
func (l *Link) Freeze() (thaw func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	moves := make(chan struct{})
	l.moves = moves
	return sync.OnceFunc(func() { close(moves) })
}

// Lost is how many connections were reset on purpose.
func (l *Link) Lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// Late is how many pieces of answers were made to arrive later.
func (l *Link) Late() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.late
}

// Held is how many connections and pieces had to wait while the link stood still.
func (l *Link) Held() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// Close stops listening and resets what is open.
func (l *Link) Close() error {
	err := l.listener.Close()
	l.Cut()
	return err
}

// Cut resets what is open.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for side := range l.open {
		reset(side)
	}
}

func (l *Link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // closed
		}
		l.pass()
		go l.join(near)
	}
}

// pass waits while the link stands still, and returns its weather.
func (l *Link) pass() Weather {
	for {
		l.mu.Lock()
		moves, weather := l.moves, l.weather
		l.mu.Unlock()
		select {
		case <-moves:
			return weather
		default:
			l.mu.Lock()
			l.held++
			l.mu.Unlock()
			<-moves
		}
	}
}

// join connects both sides until one of them ends.
func (l *Link) join(near net.Conn) {
	far, err := net.DialTimeout(l.network, l.address, 10*time.Second)
	if err != nil {
		reset(near)
		return
	}
	l.mu.Lock()
	spies := l.watch
	l.open[near], l.open[far] = struct{}{}, struct{}{}
	l.mu.Unlock()
	c := &connection{link: l, near: near, far: far}
	if spies != nil {
		c.spy = spies()
	}
	var both sync.WaitGroup
	both.Go(func() { c.carry(far, near, c.question) })
	both.Go(func() { c.carry(near, far, c.answer) })
	both.Wait()
	l.mu.Lock()
	delete(l.open, near)
	delete(l.open, far)
	l.mu.Unlock()
	near.Close()
	far.Close()
}

// connection is one connection through a link.
type connection struct {
	link      *Link
	near, far net.Conn
	spy       Spy // nil for none
	cut       atomic.Bool
}

// piece is what was read at once, and when it is to arrive.
type piece struct {
	content []byte
	due     time.Time
}

// carry passes on what one side sends, each piece when it is due, until that side
// ends or the connection is lost.
func (c *connection) carry(to, from net.Conn, meet func(Weather, []byte) (later time.Duration, lost bool)) {
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			buffer := make([]byte, 32<<10)
			n, err := from.Read(buffer)
			weather := c.link.pass()
			if n > 0 {
				later, lost := meet(weather, buffer[:n])
				if lost {
					c.lose()
					return
				}
				pieces <- piece{buffer[:n], time.Now().Add(later)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		c.link.pass()
		_, _ = to.Write(p.content) // a side that left does not matter
	}
	if closer, ok := to.(interface{ CloseWrite() error }); ok {
		_ = closer.CloseWrite()
	}
}

func (c *connection) question(weather Weather, content []byte) (later time.Duration, lost bool) {
	if c.spy != nil && c.spy(content) {
		c.cut.Store(true) // before it is sent: the answer is not far
	}
	return 0, c.link.loses(weather)
}

func (c *connection) answer(weather Weather, _ []byte) (later time.Duration, lost bool) {
	if weather.Latency > 0 {
		c.link.mu.Lock()
		c.link.late++
		c.link.mu.Unlock()
	}
	return weather.Latency, c.cut.Load() || c.link.loses(weather)
}

// loses decides whether a connection is reset at the present piece.
func (l *Link) loses(weather Weather) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return weather.Loss > 0 && weather.Random.Float64() < weather.Loss
}

// lose resets both sides.
func (c *connection) lose() {
	c.link.mu.Lock()
	c.link.lost++
	c.link.mu.Unlock()
	reset(c.near)
	reset(c.far)
}

// reset closes a connection without the end of what it carried.
func reset(side net.Conn) {
	if connected, ok := side.(*net.TCPConn); ok {
		_ = connected.SetLinger(0)
	}
	_ = side.Close()
}
