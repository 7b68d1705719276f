package anchore

import (
	"encoding/json"
	"slices"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/operations"
)

// bundles are the stored ones.
func (c *call) bundles() ([]operations.Bundle, error) {
	return operations.All(func(page operations.Page) ([]operations.Bundle, string, error) {
		list, err := operations.ListPolicies.Run(c, c.system, operations.PoliciesRequest{Page: page})
		return list.Bundles, list.Next, err
	})
}

// bundleRecord is Anchore's record of a bundle, with its content if requested.
func (c *call) bundleRecord(b operations.Bundle, detail bool) (map[string]any, error) {
	var content, description any
	if detail {
		shown, err := operations.ShowPolicy.Run(c, c.system, operations.PolicyRequest{ID: b.ID})
		if err != nil {
			return nil, err
		}
		var texts struct {
			Comment string `json:"comment"`
		}
		_ = json.Unmarshal(shown.Bundle, &texts) // a stored bundle is an object
		content, description = shown.Bundle, texts.Comment
	}
	r := map[string]any{"policyId": b.ID, "active": b.Active, "policy_source": "local", "created_at": date(b.Created), "last_updated": date(b.Updated),
		"name": b.Name, "description": description, "userId": c.system.Account}
	if detail {
		r["policybundle"] = content
	}
	return r, nil
}

func listPolicies(c *call) (any, error) {
	found, err := c.bundles()
	if err != nil {
		return nil, err
	}
	records := []any{}
	for _, b := range found {
		r, err := c.bundleRecord(b, c.flag("detail", false))
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// bundle is the stored one of an id.
func (c *call) bundle(id string) (operations.Bundle, error) {
	found, err := c.bundles()
	if err != nil {
		return operations.Bundle{}, err
	}
	at := slices.IndexFunc(found, func(b operations.Bundle) bool { return b.ID == id })
	if at < 0 {
		return operations.Bundle{}, notFound("policy not found: " + id)
	}
	return found[at], nil
}

func getPolicy(c *call) (any, error) {
	found, err := c.bundle(c.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	r, err := c.bundleRecord(found, c.flag("detail", true))
	return []any{r}, err
}

// check evaluates an image now, under one of the tags that point to it.
func check(c *call) (any, error) {
	if c.flag("history", false) {
		f := instead("evaluations are not stored; changes of their outcome are notifications, see: tagwatch notifications --type policy_eval")
		return nil, &f
	}
	tag, digest, err := c.taggedImage(c.parameter("tag"))
	if err != nil {
		return nil, err
	}
	detail := c.flag("detail", true)
	request := operations.OfTag(tag.Target)
	done, err := operations.Evaluate.Run(c, c.system, operations.EvaluateRequest{Ref: request.Ref, Platform: request.Platform, Policy: c.parameter("policyId"), Document: detail})
	if err != nil {
		return nil, err
	}
	if done.Digest != digest {
		return nil, notFound("image not found: " + tag.Target.String() + " has another image since a moment ago")
	}
	found := map[string]any{"detail": map[string]any{}, "policyId": done.BundleID, "status": done.Status, "last_evaluation": date(done.EvaluatedAt)}
	if detail {
		var document struct {
			Bundle json.RawMessage `json:"bundle"`
		}
		if err := json.Unmarshal(done.Document, &document); err != nil {
			return nil, err
		}
		found["detail"] = map[string]any{"result": done.Document, "policy": document.Bundle}
	}
	return []any{map[string]any{string(digest): map[string]any{done.Reference.String(): []any{found}}}}, nil
}

// taggedImage is the analyzed image of the request under a tag that points to it.
func (c *call) taggedImage(text string) (operations.TagStatus, image.Digest, error) {
	none := operations.TagStatus{}
	if text == "" {
		return none, "", invalid("the parameter tag is required: the tag under which the image is evaluated")
	}
	wanted, err := image.ParseTarget(text)
	if err != nil {
		return none, "", invalid("invalid tag " + text)
	}
	if _, _, err := c.analyzedTag(); err != nil {
		return none, "", err
	}
	i, err := c.image()
	if err != nil {
		return none, "", err
	}
	for _, t := range i.tags {
		if slices.Contains(wanted.Reference.Names(), t.Target.Reference) && t.Analyzed == i.digest {
			return t, i.digest, nil
		}
	}
	return none, "", notFound("image not found: " + text + " is not watched, or has not image " + string(i.digest))
}
