package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

const (
	// acrUser stands for whoever owns the token, see
	// https://learn.microsoft.com/azure/container-registry/container-registry-authentication.
	acrUser = "00000000-0000-0000-0000-000000000000"
	// acrResource is what tokens of Microsoft Entra are asked for.
	acrResource    = "https://containerregistry.azure.net"
	acrMetadata    = "http://169.254.169.254/metadata/identity/oauth2/token"
	acrMetadataFor = 2 * time.Second
)

var azureRegistry = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.azurecr\.(io|cn|us)$`)

// acr finds credentials for Azure's registries: a service principal or a
// workload identity of the environment (AZURE_TENANT_ID, AZURE_CLIENT_ID and
// AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE), or else the identity that
// the machine is given.
type acr struct {
	client   *http.Client
	metadata *http.Client
	service  string // of the machine's identity
}

func newACR() acr {
	return acr{client: &http.Client{Timeout: cloudTimeout, CheckRedirect: noRedirect}, service: acrMetadata,
		metadata: &http.Client{Timeout: acrMetadataFor, CheckRedirect: noRedirect, Transport: &http.Transport{}}}
}

func (a acr) find(ctx context.Context, h *host, _ string) (credentials, error) {
	if !azureRegistry.MatchString(h.name) {
		return credentials{}, nil
	}
	identity, err := a.identity(ctx)
	if err != nil || identity == "" {
		return credentials{}, err
	}
	var answer struct {
		Token string `json:"refresh_token"`
	}
	form := url.Values{"grant_type": {"access_token"}, "service": {h.name}, "access_token": {identity}}
	if tenant := os.Getenv("AZURE_TENANT_ID"); tenant != "" {
		form.Set("tenant", tenant)
	}
	status, err := a.post(ctx, "https://"+h.name+"/oauth2/exchange", form, &answer)
	if err != nil {
		return credentials{}, fmt.Errorf("token of ACR: %w", err)
	}
	if status != http.StatusOK || answer.Token == "" {
		return credentials{}, fmt.Errorf("ACR issues no token: %d; the identity needs the role AcrPull", status)
	}
	return credentials{username: acrUser, password: answer.Token, source: source{kind: "key chain", name: "Azure (ACR)", lasts: true}}, nil
}

// identity is a token of Microsoft Entra, "" where nobody issues one.
func (a acr) identity(ctx context.Context) (string, error) {
	tenant, client := os.Getenv("AZURE_TENANT_ID"), os.Getenv("AZURE_CLIENT_ID")
	secret, file := os.Getenv("AZURE_CLIENT_SECRET"), os.Getenv("AZURE_FEDERATED_TOKEN_FILE")
	if tenant == "" || client == "" || secret == "" && file == "" {
		return a.machine(ctx, client)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "scope": {acrResource + "/.default"}}
	if secret != "" {
		form.Set("client_secret", secret)
	} else {
		assertion, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("AZURE_FEDERATED_TOKEN_FILE: %w", err)
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", strings.TrimSpace(string(assertion)))
	}
	authority := strings.TrimSuffix(cmp.Or(os.Getenv("AZURE_AUTHORITY_HOST"), "https://login.microsoftonline.com"), "/")
	var answer entraAnswer
	status, err := a.post(ctx, authority+"/"+url.PathEscape(tenant)+"/oauth2/v2.0/token", form, &answer)
	if err != nil {
		return "", fmt.Errorf("token of Microsoft Entra: %w", err)
	}
	if status != http.StatusOK || answer.Token == "" {
		return "", fmt.Errorf("no token from Microsoft Entra: %d %s; see AZURE_TENANT_ID, AZURE_CLIENT_ID and its secret", status, quotable(answer.Error, ""))
	}
	return answer.Token, nil
}

type entraAnswer struct {
	Token string `json:"access_token"`
	Error string `json:"error"`
}

// machine asks for the identity of the machine. Where there is none, nobody
// answers, and requests to the registry have no credentials.
func (a acr) machine(ctx context.Context, client string) (string, error) {
	query := url.Values{"api-version": {"2018-02-01"}, "resource": {acrResource}}
	if client != "" {
		query.Set("client_id", client)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.service+"?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Metadata", "true")
	var answer entraAnswer
	status, err := askJSON(a.metadata, req, &answer)
	if errors.Is(ctx.Err(), context.Canceled) {
		return "", ctx.Err()
	}
	if err != nil || status != http.StatusOK {
		return "", nil
	}
	return answer.Token, nil
}

func (a acr) post(ctx context.Context, address string, form url.Values, into any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return askJSON(a.client, req, into)
}
