package policy

import "testing"

func TestFeedGroup(t *testing.T) {
	t.Parallel()
	tests := []struct{ namespace, want string }{
		{"debian:distro:debian:12", "debian:12"},
		{"ubuntu:distro:ubuntu:20.04", "ubuntu:20.04"},
		{"alpine:distro:alpine:3.18", "alpine:3.18"},
		{"redhat:distro:redhat:8", "rhel:8"},
		{"oracle:distro:oraclelinux:9", "ol:9"},
		{"amazon:distro:amazonlinux:2", "amzn:2"},
		{"sles:distro:sles:15.4", "sles:15.4"},
		{"wolfi:distro:wolfi:rolling", "wolfi:rolling"},
		{"msrc:distro:windows:10816", "msrc:10816"},
		{"github:language:java", "github:java"},
		{"github:language:python", "github:python"},
		{"github:language:go", "github:go"},
		{"github:language:javascript", "github:npm"},
		{"github:language:ruby", "github:gem"},
		{"github:language:php", "github:composer"},
		{"github:language:dotnet", "github:nuget"},
		{"github:language:rust", "github:rust"},
		{"nvd:cpe", "nvd"},
		{"nvd", "nvd"},
		{"bitnami", "bitnami"},
		{"debian:10", "debian:10"},
		{"", ""},
	}
	for _, test := range tests {
		t.Run(test.namespace, func(t *testing.T) {
			t.Parallel()
			if got := FeedGroup(test.namespace); got != test.want {
				t.Errorf("group %q, want %q", got, test.want)
			}
		})
	}
}
