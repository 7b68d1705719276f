// Package story is Tagwatch's main job from end to end, on real parts: a registry,
// images, vulnerability data and a receiver on loopback. The demo shows it to people,
// and the end-to-end tests check it.
package story

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
	"github.com/tagwatch/tagwatch/lab/stack"
)

// Story is one run.
type Story struct {
	out      io.Writer
	dir      string // for the files of the chapters
	stack    *stack.Stack
	registry *lab.Registry
	feed     *feed.Feed
	receiver *lab.Receiver
	read     int // notifications that were checked
}

// New starts the counterparts and prepares an installation that uses them, with these
// further settings. It is not started yet.
func New(out, log io.Writer, bin, dir string, settings ...string) (*Story, error) {
	s := &Story{out: out, dir: dir}
	var err error
	if s.registry, err = lab.NewRegistry(); err != nil {
		return nil, err
	}
	if s.receiver, err = lab.NewReceiver(); err != nil {
		return nil, err
	}
	if s.feed, err = feed.New(); err != nil {
		return nil, err
	}
	settings = append(settings, "TAGWATCH_FEED_URL="+s.feed.ListingURL(), "TAGWATCH_FEED_INTERVAL=24h", "TAGWATCH_LOG_LEVEL=warn")
	s.stack, err = stack.New(stack.Options{Bin: bin, DataDir: filepath.Join(dir, "data"), Env: settings, Log: log})
	return s, err
}

// Close stops everything.
func (s *Story) Close() error {
	err := s.stack.Stop()
	s.registry.Close()
	s.receiver.Close()
	s.feed.Close()
	return err
}

// UI is the address of Temporal's Web UI.
func (s *Story) UI() string { return s.stack.UI }

// Page is the address of the status page.
func (s *Story) Page() string { return s.stack.Page() }

// Settings are what the command line needs to connect to this installation, as
// NAME=value.
func (s *Story) Settings() []string {
	return []string{"TAGWATCH_DATA_DIR=" + s.stack.DataDir(), "TEMPORAL_ADDRESS=" + s.stack.Temporal()}
}

// silenceTime is how long the end of the story waits for unexpected notifications.
const silenceTime = 5 * time.Second

// Tell runs the whole story. It fails at the first missing or unexpected notification.
func (s *Story) Tell(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	for i, chapter := range chapters {
		fmt.Fprintf(s.out, "\n%d. %s\n", i+1, chapter.title)
		if err := chapter.do(s, ctx); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
		if err := s.expect(ctx, chapter.expect(s)); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
	}
	return s.silence(ctx)
}

// begin publishes the first image and the first data, and starts Tagwatch.
func (s *Story) begin(ctx context.Context) error {
	s.say("registry at %s, vulnerability data at %s, webhook receiver at %s", s.registry.Host(), s.feed.ListingURL(), s.receiver.URL())
	if err := s.push(apiName+":1.0", firstImage()...); err != nil {
		return err
	}
	if err := s.push(webName+":1.0", webImage("1.0")...); err != nil {
		return err
	}
	if err := s.publish(firstData); err != nil {
		return err
	}
	s.say("starting Temporal and a worker ...")
	if err := s.stack.Start(ctx); err != nil {
		return err
	}
	s.say("Web UI: %s/namespaces/default/workflows", s.stack.UI)
	return s.commands(ctx,
		[]string{"endpoint", "add", "receiver", s.receiver.URL() + "/hooks/<notification_type>"},
		[]string{"policy", "add", "--activate", s.file("policy.json", strict.bundle())},
		[]string{"feed", "sync"})
}

func (s *Story) say(format string, arguments ...any) {
	fmt.Fprintf(s.out, "   "+format+"\n", arguments...)
}

// commands runs commands of the command line, and prints them as a user would type
// them.
func (s *Story) commands(ctx context.Context, lines ...[]string) error {
	for _, line := range lines {
		s.say("$ tagwatch %s", shell(line))
		if _, err := s.stack.Do(ctx, line...); err != nil {
			return err
		}
	}
	return nil
}

func (s *Story) push(reference string, parts ...lab.Part) error {
	built, err := lab.NewImage(parts...)
	if err != nil {
		return err
	}
	digest, err := s.registry.Push(reference, built)
	if err == nil {
		s.say("pushed %s/%s (%.19s)", s.registry.Host(), reference, digest.String())
	}
	return err
}

func (s *Story) publish(vulnerabilities []feed.Vulnerability) error {
	dir, err := os.MkdirTemp(s.dir, "feed-")
	if err != nil {
		return err
	}
	database, err := s.feed.PublishBuild(dir, vulnerabilities...)
	if err == nil {
		s.say("published vulnerability data built %s", database.Built.UTC().Format(time.DateTime))
	}
	return err
}

// file writes a file that a command reads.
func (s *Story) file(name, content string) string {
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		panic(err) // a directory of our own
	}
	return path
}

// reference is the full reference of a tag at the story's registry.
func (s *Story) reference(name string) string { return s.registry.Host() + "/" + name }
