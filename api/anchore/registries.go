package anchore

import (
	"slices"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/operations"
)

// registries are those of watched tags. Tagwatch stores no credentials.
func (c *call) registries() ([]operations.Registry, error) {
	return operations.All(func(page operations.Page) ([]operations.Registry, string, error) {
		list, err := operations.ListRegistries.Run(c, c.system, operations.RegistriesRequest{Page: page})
		return list.Registries, list.Next, err
	})
}

func (c *call) registryRecord(r operations.Registry) map[string]any {
	return map[string]any{"registry": r.Name, "registry_name": r.Name, "registry_type": "docker_v2", "registry_user": "", "registry_verify": true,
		"userId": c.system.Account, "created_at": date(r.Checked), "last_updated": date(r.Checked)}
}

func listRegistries(c *call) (any, error) {
	found, err := c.registries()
	records := []any{}
	for _, r := range found {
		records = append(records, c.registryRecord(r))
	}
	return records, err
}

func getRegistry(c *call) (any, error) {
	name := c.r.PathValue("name")
	found, err := c.registries()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(found, func(r operations.Registry) bool {
		return image.CanonicalRegistry(r.Name) == image.CanonicalRegistry(name)
	})
	if at < 0 {
		return nil, notFound("registry not found: no watched tag is in " + name)
	}
	return []any{c.registryRecord(found[at])}, nil
}
