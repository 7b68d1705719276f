// Package webhook sends notifications to their receivers: signed after Standard
// Webhooks, authenticated, without following redirects, bounded in time and size, and
// only to addresses that a webhook may reach.
//
// Secrets are read for each attempt and forgotten afterwards. The error of an attempt
// and the excerpt of its answer never contain a secret, nor more of the address than
// scheme and host: the addresses of chat services are secrets too.
package webhook
