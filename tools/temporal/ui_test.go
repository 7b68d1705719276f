package main

import (
	"encoding/json"
	"net/http"
	"testing"
)

func TestWebUI(t *testing.T) {
	t.Parallel()
	server := start(t, "--in-memory", "--ui-port=-1", "--namespace", "tags")

	t.Run("serves its page", func(t *testing.T) {
		response := get(t, server.UI+"/", "")
		if response.StatusCode != http.StatusOK {
			t.Errorf("status %s, want 200", response.Status)
		}
	})
	t.Run("reaches the frontend", func(t *testing.T) {
		var found struct{ NamespaceInfo struct{ Name string } }
		decode(t, get(t, server.UI+"/api/v1/namespaces/tags", ""), &found)
		if found.NamespaceInfo.Name != "tags" {
			t.Errorf("namespace %q, want tags", found.NamespaceInfo.Name)
		}
	})
	t.Run("looks for nothing on the internet", func(t *testing.T) {
		var settings struct {
			DefaultNamespace   string
			DisableNewsFetch   bool
			NotifyOnNewVersion bool
		}
		decode(t, get(t, server.UI+"/api/v1/settings", ""), &settings)
		if !settings.DisableNewsFetch || settings.NotifyOnNewVersion || settings.DefaultNamespace != "tags" {
			t.Errorf("settings are %+v", settings)
		}
	})
	t.Run("lets no other site read its API", func(t *testing.T) {
		response := get(t, server.UI+"/api/v1/namespaces", "https://elsewhere.example")
		if allowed := response.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
			t.Errorf("allows origin %q", allowed)
		}
	})
}

func TestWithoutWebUI(t *testing.T) {
	t.Parallel()
	if server := start(t, "--in-memory", "--ui-port=0"); server.UI != "" {
		t.Errorf("announces a Web UI at %s", server.UI)
	}
}

func get(t *testing.T, url, origin string) *http.Response {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func decode(t *testing.T, response *http.Response, into any) {
	t.Helper()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
