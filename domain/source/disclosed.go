package source

import (
	"net/url"
	"slices"
)

// Disclosed is the source without what may be a secret: the values of its variables, the
// path of its URL, and the text of a Dockerfile.
func (s Source) Disclosed() Source {
	if s.Variables != nil {
		shown := map[string]string{}
		for name := range s.Variables {
			shown[name] = "..."
		}
		s.Variables = shown
	}
	s.Paths = slices.Clone(s.Paths)
	for i, path := range s.Paths {
		if parsed, err := url.Parse(path); err == nil && parsed.Host != "" {
			s.Paths[i] = parsed.Scheme + "://" + parsed.Host + "/..."
		}
	}
	s.Options = s.Options.WithoutDockerfile()
	return s
}
