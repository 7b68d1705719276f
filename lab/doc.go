// Package lab holds real counterparts of Tagwatch on the loopback interface: a
// container registry, images to put in it, and a webhook receiver. The feed of
// vulnerability data lives in lab/feed, because it links grype.
//
// Everything here is a real part behind real HTTP, so that the demonstration and
// the tests exercise the same code as production. The counterparts add control:
// they count requests, fail in a chosen way ([Faults]), and go away and come back on
// the same port ([Server.Pause], [Server.Resume]).
//
// Nothing in this package reads a clock or a random source to build an image:
// the same parts give the same digests on every machine.
package lab
