package e2e_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestAStepThatKeepsFailing: what cannot be recorded of one tag is its problem, which
// the status and the doctor show and the event log tells, and no other tag's. It ends
// by itself.
func TestAStepThatKeepsFailing(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do("endpoint", "add", "log", i.receiver.URL()+"/log", "--type", "event_log")
	reference, other := i.push("shop/api:1", lab.Debian(lab.Bookworm()...)), i.push("shop/web:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", "--wait", "--interval", "30s", reference, other)
	i.change(`CREATE TRIGGER refuse BEFORE DELETE ON target_state WHEN OLD.target = '` + reference + `' BEGIN SELECT RAISE(ABORT, 'refused by a trigger'); END`)
	fixed := lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...)
	i.push("shop/api:1", fixed)
	i.push("shop/web:1", fixed)
	i.eventually("the status says what fails", func() bool {
		return strings.Contains(i.do("status"), "refused by a trigger")
	})
	steps := func(level string) (found bool) {
		code := 0
		if level == "fail" {
			code = 1
		}
		for _, check := range i.examine(code).Checks {
			found = found || check.Subject == "steps" && check.Result == level
		}
		return found
	}
	if !steps("fail") {
		t.Error("the doctor does not fail")
	}
	if s := i.statusOf(other); s.Problem.Stage != "" || s.Digest != s.Analyzed {
		t.Errorf("the other tag: %+v", s)
	}
	i.change(`DROP TRIGGER refuse`)
	i.eventually("the problem is over", func() bool { return i.statusOf(reference).Problem.Stage == "" && steps("ok") })
	i.eventually("the move is notified", func() bool { return kinds(byID(t, i.receiver.All()))["tag_update"] == 2 })
	for _, event := range []string{"system.step.failing", "system.step.recovered"} {
		i.eventually(event+" is notified", func() bool {
			for _, hook := range i.at("/log") {
				if strings.Contains(string(hook.Body), event) {
					return true
				}
			}
			return false
		})
	}
}

// change alters the database behind Tagwatch's back.
func (i *installation) change(statement string) {
	i.t.Helper()
	db := made(sql.Open("sqlite", "file:"+filepath.Join(i.DataDir(), "tagwatch.db")+"?_pragma=busy_timeout(10000)"))(i.t)
	defer db.Close()
	made(db.ExecContext(i.t.Context(), statement))(i.t)
}
