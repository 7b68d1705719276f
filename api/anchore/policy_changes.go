package anchore

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/operations"
)

// TakesBundle reports that the body of a request may have a policy bundle.
func TakesBundle(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == Prefix+"/policies" || r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, Prefix+"/policies/")
}

// addPolicy stores the bundle that is the body. Unlike in Anchore, the active one stays
// active if it is stored again.
func addPolicy(c *call) (any, error) {
	var bundle json.RawMessage
	if err := c.body(&bundle); err != nil {
		return nil, err
	}
	saved, err := operations.SavePolicy.Run(c, c.system, operations.PolicyChange{Bundle: bundle})
	if err != nil {
		return nil, err
	}
	return c.bundleRecord(saved.Bundle, c.flag("detail", true))
}

// policyUpdate is a record of a bundle as clients send it back.
type policyUpdate struct {
	ID     string          `json:"policyId"`
	Active *bool           `json:"active"`
	Bundle json.RawMessage `json:"policybundle"`
}

// content is the bundle of the record; nil for a record without.
func (u policyUpdate) content(id string) (json.RawMessage, error) {
	text := bytes.TrimSpace(u.Bundle)
	if len(text) == 0 || string(text) == "{}" || string(text) == "null" {
		return nil, nil
	}
	var named struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(text, &named); err != nil || named.ID != id {
		return nil, invalid("policybundle has not the id in the address, " + id)
	}
	return text, nil
}

// putPolicy stores what a record has, and activates the bundle if the record is active. It
// is answered once the bundle is active; the evaluation of the tags goes on.
func putPolicy(c *call) (any, error) {
	var wanted policyUpdate
	if err := c.body(&wanted); err != nil {
		return nil, err
	}
	id := c.r.PathValue("id")
	if wanted.ID != "" && wanted.ID != id {
		return nil, invalid("policyId is not the id in the address, " + id)
	}
	stored, err := c.bundle(id)
	if err != nil {
		return nil, err
	}
	active := c.flag("active", wanted.Active != nil && *wanted.Active)
	if stored.Active && wanted.Active != nil && !active {
		return nil, &Fault{Status: http.StatusConflict, Kind: "Conflict", Text: "bundle " + id + " is active", Hint: "activate another bundle in its place"}
	}
	content, err := wanted.content(id)
	if err != nil {
		return nil, err
	}
	if err := c.putBundle(id, content, active && !stored.Active); err != nil {
		return nil, err
	}
	if stored, err = c.bundle(id); err != nil {
		return nil, err
	}
	r, err := c.bundleRecord(stored, c.flag("detail", true))
	return []any{r}, err
}

func (c *call) putBundle(id string, content json.RawMessage, activate bool) error {
	var task operations.Task
	switch {
	case content != nil:
		saved, err := operations.SavePolicy.Run(c, c.system, operations.PolicyChange{Bundle: content, Activate: activate})
		if err != nil || !activate {
			return err
		}
		task = *saved.Task
	case activate:
		begun, err := operations.ActivatePolicy.Run(c, c.system, operations.PolicyID{ID: id})
		if err != nil {
			return err
		}
		task = begun
	default:
		return nil
	}
	_, err := c.follow(task, func() (bool, error) {
		stored, err := c.bundle(id)
		return stored.Active, err
	})
	return err
}

func deletePolicy(c *call) (any, error) {
	if _, err := operations.DeletePolicy.Run(c, c.system, operations.PolicyRemoval{ID: c.r.PathValue("id")}); err != nil {
		return nil, err
	}
	return "deleted", nil
}

// policySpec describes the gates with Anchore's keys only.
func policySpec(*call) (any, error) {
	gates := policy.Describe()
	for g := range gates {
		gates[g].Addition = false
		for t := range gates[g].Triggers {
			trigger := &gates[g].Triggers[t]
			trigger.Addition = false
			for p := range trigger.Parameters {
				trigger.Parameters[p].Addition = false
			}
		}
	}
	return gates, nil
}
