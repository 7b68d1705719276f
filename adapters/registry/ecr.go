package registry

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
)

// cloudTimeout bounds one question to a cloud: its metadata service is silent
// outside of it.
const cloudTimeout = 10 * time.Second

// privateECR are the hosts of Amazon's private registries, with their region
// and the domain of its part of the cloud. See
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html.
var privateECR = regexp.MustCompile(`^[0-9]{12}\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com|amazonaws\.com\.cn|on\.aws|on\.amazonwebservices\.com\.cn|sc2s\.sgov\.gov|c2s\.ic\.gov)$`)

// ecr finds credentials for Amazon's private registries, with whatever the AWS
// SDK finds to authorize the worker: environment, profile, role of the machine
// or of the pod.
type ecr struct{ client *http.Client }

func newECR() ecr { return ecr{client: &http.Client{Timeout: cloudTimeout, CheckRedirect: noRedirect}} }

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (e ecr) find(ctx context.Context, h *host, _ string) (credentials, error) {
	parts := privateECR.FindStringSubmatch(h.name)
	if parts == nil {
		return credentials{}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*cloudTimeout, fmt.Errorf("no answer in %s", 2*cloudTimeout))
	defer cancel()
	settings, err := config.LoadDefaultConfig(ctx, config.WithRegion(parts[2]))
	if err != nil {
		return credentials{}, fmt.Errorf("AWS settings: %w", err)
	}
	keys, err := settings.Credentials.Retrieve(ctx)
	if err != nil {
		return credentials{}, fmt.Errorf("no AWS credentials for %s: set AWS_ACCESS_KEY_ID, AWS_PROFILE or a role (%w)", h.name, err)
	}
	req, err := ecrRequest(ctx, endpointOfECR(parts[1], parts[2], parts[3]), keys, parts[2])
	if err != nil {
		return credentials{}, err
	}
	return e.ask(req)
}

// endpointOfECR is where tokens are issued. The variables are the AWS SDK's.
func endpointOfECR(fips, region, domain string) string {
	if override := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_ECR"), os.Getenv("AWS_ENDPOINT_URL")); override != "" {
		return override
	}
	switch domain {
	case "on.aws":
		domain = "amazonaws.com"
	case "on.amazonwebservices.com.cn":
		domain = "amazonaws.com.cn"
	}
	if fips != "" {
		return "https://ecr-fips." + region + "." + domain
	}
	return "https://api.ecr." + region + "." + domain
}

// ecrRequest is a signed call of GetAuthorizationToken, see
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html.
func ecrRequest(ctx context.Context, endpoint string, keys aws.Credentials, region string) (*http.Request, error) {
	body := []byte("{}")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("endpoint of ECR: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "ecr", region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign a request to ECR: %w", err)
	}
	return req, nil
}

func (e ecr) ask(req *http.Request) (credentials, error) {
	var answer struct {
		Data []struct {
			Token string `json:"authorizationToken"`
		} `json:"authorizationData"`
		Type string `json:"__type"`
	}
	status, err := askJSON(e.client, req, &answer)
	if err != nil {
		return credentials{}, fmt.Errorf("token of ECR: %w", err)
	}
	if status != http.StatusOK || len(answer.Data) == 0 {
		return credentials{}, fmt.Errorf("ECR issues no token: %d %s; the role needs ecr:GetAuthorizationToken", status, quotable(answer.Type, ""))
	}
	decoded, err := base64.StdEncoding.DecodeString(answer.Data[0].Token)
	user, password, found := strings.Cut(string(decoded), ":")
	if err != nil || !found {
		return credentials{}, fmt.Errorf("token of ECR at %s cannot be read", req.URL.Host)
	}
	return credentials{username: user, password: password, source: source{kind: "key chain", name: "AWS (ECR)", lasts: true}}, nil
}

// askJSON sends a request and reads the document that it is answered with.
// Errors hold neither the URL nor the document.
func askJSON(client *http.Client, req *http.Request, into any) (status int, err error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask %s: %w", req.URL.Host, withoutURL(err))
	}
	defer resp.Body.Close()
	raw, err := readAll(resp.Body, maxToken)
	if err == nil && json.Unmarshal(raw, into) != nil && resp.StatusCode == http.StatusOK {
		err = fmt.Errorf("%s does not answer with JSON", req.URL.Host)
	}
	return resp.StatusCode, err
}
