package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// diagnosis is what the doctor says to programs.
type diagnosis struct {
	Result string
	Checks []struct{ Result, Subject, Message, Remedy string }
}

func (i *installation) examine(code int) diagnosis {
	i.t.Helper()
	answer := made(i.Run(i.t.Context(), "doctor", "-o", "json"))(i.t)
	if answer.Code != code {
		i.t.Fatalf("exit code %d, want %d:\n%s%s", answer.Code, code, answer.Out, answer.Err)
	}
	var found diagnosis
	must(i.t, json.Unmarshal([]byte(answer.Out), &found))
	return found
}

// TestDoctor examines an installation that is well, and then one that is not.
func TestDoctor(t *testing.T) {
	t.Parallel()
	i := install(t)
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", reference, "--wait")
	i.notified(1)
	i.eventually("all is well", func() bool { // lists of workflows lag behind a little
		for _, check := range i.examine(0).Checks {
			if check.Result != "ok" && check.Subject != "disk" {
				t.Logf("%+v", check)
				return false
			}
		}
		return true
	})
	i.receiver.AnswerAlways(http.StatusGone)
	i.do("subscribe", reference, "--type", "tag_update")
	i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	i.do("rescan", reference)
	i.eventually("the endpoint is disabled", func() bool {
		return i.answered410(i.examine(0))
	})
}

// answered410 reports whether the doctor warns of a disabled endpoint, with what to do.
func (i *installation) answered410(found diagnosis) bool {
	for _, check := range found.Checks {
		if check.Subject == "endpoints" && strings.Contains(check.Message, "disabled") {
			return found.Result == "warn" && check.Result == "warn" && strings.Contains(check.Remedy, "tagwatch endpoint enable receiver")
		}
	}
	return false
}

// fails reports whether something of a subject fails with that remedy.
func fails(found diagnosis, subject, remedy string) bool {
	for _, check := range found.Checks {
		if check.Result == "fail" && check.Subject == subject && strings.Contains(check.Remedy, remedy) {
			return true
		}
	}
	return false
}

// warns reports whether the doctor warns in these words, with that remedy.
func (i *installation) warns(subject, message, remedy string) bool {
	i.t.Helper()
	for _, check := range i.examine(0).Checks {
		if check.Result == "warn" && check.Subject == subject && strings.Contains(check.Message, message) && strings.Contains(check.Remedy, remedy) {
			return true
		}
	}
	return false
}
