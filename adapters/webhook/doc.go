// Package webhook sends notifications to their receivers: signed after
// Standard Webhooks, authenticated, without following redirects, bounded in
// time and size, and only to addresses that a webhook may reach.
//
// Secrets are read when a body is sent and forgotten afterwards. What is notified
// about an attempt, its error and the excerpt of its answer, never holds one,
// nor more of the address than scheme and host: the addresses of chat services
// are secrets too.
package webhook
