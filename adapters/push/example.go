package push

import (
	"fmt"
	"strings"
)

// Example shows how to set up a registry of a kind: the entry in the file of
// sources, and the settings at the registry. Base is the address of the receiver,
// as in https://tagwatch.example.com.
func Example(kind Kind, name, base string) (string, error) {
	text, found := examples[kind]
	if !found {
		return "", unknown(kind)
	}
	if !namePattern.MatchString(name) {
		return "", fmt.Errorf("name %q: %w", name, errName)
	}
	variable := "PUSH_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
	return strings.NewReplacer("{kind}", string(kind), "{name}", name, "{variable}", variable,
		"{url}", strings.TrimRight(base, "/")+"/push/"+name).Replace(text), nil
}

// sourceExample is the part for the file of sources.
const sourceExample = `# In the file of sources (TAGWATCH_PUSH_SOURCES). The secret is read by the worker;
# make one with: openssl rand -hex 32
sources:
  - name: {name}
    kind: {kind}
    secret: env:{variable}        # or file:/run/secrets/{name}
`

// registryExample is for kinds whose bodies may name the host differently.
const registryExample = `    # registry: registry.example.com  # the host in your references, if the body names another
`

var examples = map[Kind]string{
	Distribution: sourceExample + registryExample + `
# In the registry's config.yml. Its notifications are not signed: the header is
# all that shows where they come from, so use https beyond one machine.
notifications:
  endpoints:
    - name: tagwatch
      url: {url}
      headers:
        Authorization: [Bearer THE_SECRET]
      timeout: 2s
      threshold: 5
      backoff: 5s
      ignore:
        mediatypes: [application/octet-stream]
        actions: [pull]
`,
	DockerHub: sourceExample + `
# At hub.docker.com: the repository, Webhooks, New webhook. Docker Hub can send
# neither a header nor a signature, so the secret is part of the URL:
#
#   {url}?token=THE_SECRET
`,
	Harbor: sourceExample + registryExample + `
# In Harbor: the project, Webhooks, New webhook.
#
#   Notify type     http
#   Payload format  Default or CloudEvents
#   Event type      Artifact pushed, Artifact deleted, Tag retention finished
#   Endpoint URL    {url}
#   Auth header     Bearer THE_SECRET
`,
	Quay: sourceExample + registryExample + `
# In Quay: the repository, Settings, Create notification.
#
#   When this event occurs  Push to repository
#   Then issue              Webhook POST
#   Webhook URL             {url}?token=THE_SECRET
#
# Quay can send neither a header nor a signature, so the secret is part of the URL.
`,
	GitHub: sourceExample + `
# At github.com: the organization or repository, Settings, Webhooks, Add webhook.
#
#   Payload URL   {url}
#   Content type  application/json
#   Secret        THE_SECRET
#   Events        Packages (or Registry packages), nothing else
`,
	ACR: sourceExample + `
az acr webhook create --registry MYREGISTRY --name tagwatch --actions push delete \
  --uri {url} --headers "Authorization=Bearer THE_SECRET"
`,
	PubSub: `# In the file of sources (TAGWATCH_PUSH_SOURCES). Google signs a token for the
# account; a secret in the URL (?token=) can be required as well or instead.
sources:
  - name: {name}
    kind: {kind}
    audience: {url}
    email: tagwatch-push@MYPROJECT.iam.gserviceaccount.com

# Artifact Registry publishes to the topic gcr of its project.
gcloud pubsub subscriptions create tagwatch --topic gcr \
  --push-endpoint {url} \
  --push-auth-service-account tagwatch-push@MYPROJECT.iam.gserviceaccount.com \
  --push-auth-token-audience {url}
`,
	Generic: sourceExample + `
# For everything else: a registry with templates for its webhooks, or the last step
# of a pipeline. Without a tag, all watched tags of the repository are checked.
curl {url} --header "Authorization: Bearer $THE_SECRET" \
  --data '{"references": ["registry.example.com/shop/api:1.0"]}'

# Or signed in place of the header, X-Hub-Signature-256: sha256=HMAC_OF_THE_BODY
`,
}
