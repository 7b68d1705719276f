package registry

// Attentive has the client look at its files with each request.
func Attentive(client *Registry) *Registry {
	client.lookout.every = 0
	return client
}
