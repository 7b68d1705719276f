package analyzer

// DefaultContent is what Anchore Engine searches for. The texts of the expressions
// appear in messages of policies, and so in the trigger ids of whitelists: they must
// not change.
func DefaultContent() Content {
	return Content{
		Secrets: []string{
			`AWS_ACCESS_KEY=(?i).*aws_access_key_id( *=+ *).*(?<![A-Z0-9])[A-Z0-9]{20}(?![A-Z0-9]).*`,
			`AWS_SECRET_KEY=(?i).*aws_secret_access_key( *=+ *).*(?<![A-Za-z0-9/+=])[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=]).*`,
			`PRIV_KEY=(?i)-+BEGIN(.*)PRIVATE KEY-+`,
			`DOCKER_AUTH=(?i).*"auth": *".+"`,
			`API_KEY=(?i).*api(-|_)key( *=+ *).*(?<![A-Z0-9])[A-Z0-9]{20,60}(?![A-Z0-9]).*`,
		},
		SecretMaxBytes:   10_000,
		SearchMaxBytes:   1 << 20,
		Retrieve:         []string{"/etc/passwd"},
		RetrieveMaxBytes: 1000 << 10,
	}
}
