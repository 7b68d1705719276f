package registry

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// checkInterval is how often the registries file and the certificates are checked
// while registries are asked for something.
const checkInterval = 5 * time.Second

// fileWatcher is for changes of the files.
type fileWatcher struct {
	every time.Duration

	mu      sync.Mutex // held while somebody checks; nobody waits for that to ask a registry
	checked time.Time
	refused atomic.Pointer[string] // why the files are not in force as they are; nil while they are
}

// inForce is what holds for a request, after a check the files unless there
// was one a moment ago or somebody else is at it.
func (r *Registry) inForce(ctx context.Context) *setup {
	if r.fileWatcher.mu.TryLock() {
		if time.Since(r.fileWatcher.checked) >= r.fileWatcher.every {
			r.check(ctx)
		}
		r.fileWatcher.mu.Unlock()
	}
	return r.current.Load()
}

// inForceNow checks the files in any case.
func (r *Registry) inForceNow(ctx context.Context) *setup {
	r.fileWatcher.mu.Lock()
	defer r.fileWatcher.mu.Unlock()
	r.check(ctx)
	return r.current.Load()
}

// check puts the files in force as they are now. They are refused as a whole if
// anything in them is wrong: half a change may be worse than none.
func (r *Registry) check(ctx context.Context) {
	defer func() { r.fileWatcher.checked = time.Now() }()
	changed, err := r.reread()
	before := r.fileWatcher.refused.Load()
	switch {
	case err != nil:
		text := sentence(err)
		r.fileWatcher.refused.Store(&text)
		if before == nil || *before != text {
			r.log.ErrorContext(ctx, "changed registry settings refused, the earlier ones stay in force; correct the file, it is read again by itself", "error", text)
		}
		return
	case before != nil:
		r.fileWatcher.refused.Store(nil)
		r.log.InfoContext(ctx, "registry settings are in order again")
	}
	if len(changed) > 0 {
		r.log.InfoContext(ctx, "changed registry settings in force", "changed", changed)
	}
}

// Refused is why changed settings are not in force, "" while they are.
func (r *Registry) Refused() string {
	if text := r.fileWatcher.refused.Load(); text != nil {
		return *text
	}
	return ""
}

// reread replaces what is in force if the files have changed, and names what
// has. Sessions whose settings are the same go on.
func (r *Registry) reread() (changed []string, err error) {
	now := r.current.Load()
	next, err := newSetup(r)
	if err != nil {
		return nil, err
	}
	renewed, err := next.renew(now.sessions())
	if err != nil {
		return nil, err
	}
	changed = next.differences(now, renewed)
	if len(changed) == 0 {
		return nil, nil
	}
	now.mu.Lock()
	defer now.mu.Unlock()
	for name, session := range now.hosts { // one that began meanwhile is checked the next time
		next.hosts[name] = session
		if successor, found := renewed[name]; found {
			successor.rateLimit = session.rateLimit.succeed(r, successor.settings)
			next.hosts[name] = successor
			session.transports.retire()
		}
	}
	r.current.Store(next)
	return changed, nil
}

// renew makes successors of the sessions that have other settings now.
func (s *setup) renew(sessions map[string]*host) (map[string]*host, error) {
	renewed := map[string]*host{}
	for name, session := range sessions {
		settings, err := s.settingsOf(name)
		if err != nil {
			return nil, err
		}
		if settings.mark == session.settings.mark {
			continue
		}
		if renewed[name], err = session.succeed(settings); err != nil {
			return nil, err
		}
	}
	return renewed, nil
}

// differences names what is not as before: files for all hosts, and hosts.
func (s *setup) differences(before *setup, renewed map[string]*host) (changed []string) {
	for _, path := range []string{s.client.options.File, s.client.options.CAFile} {
		if path != "" && !s.files.agree(before.files, path) {
			changed = append(changed, path)
		}
	}
	for name := range renewed {
		changed = append(changed, name)
	}
	for name, mark := range s.marks {
		if known, found := before.marks[name]; found && known != mark && renewed[name] == nil {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return changed
}
