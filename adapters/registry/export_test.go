package registry

// Attentive has the client check its files with each request.
func Attentive(client *Registry) *Registry {
	client.fileWatcher.every = 0
	return client
}
