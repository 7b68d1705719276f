package main

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/starter/arguments"
)

func TestArrange(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, typed, want string }{
		{"options after arguments", "subscribe nginx redis --type tag_update --wait", "subscribe --type tag_update --wait nginx redis"},
		{"options between arguments", "subscribe nginx -t tag_update redis", "subscribe -t tag_update nginx redis"},
		{"value with an equals sign", "subscribe nginx --type=tag_update redis", "subscribe --type=tag_update nginx redis"},
		{"option without a value", "subscribe --fixable-only nginx", "subscribe --fixable-only nginx"},
		{"option of the program after the command", "status nginx --data-dir /d", "--data-dir /d status nginx"},
		{"option of the program before it", "--data-dir /d status nginx", "--data-dir /d status nginx"},
		{"command below another", "policy add bundle.json --activate", "policy add --activate bundle.json"},
		{"argument named like a command", "policy add list", "policy add list"},
		{"value named like a command", "subscribe --endpoint status nginx", "subscribe --endpoint status nginx"},
		{"standard input", "policy add - --activate", "policy add --activate -"},
		{"arguments that look like options", "endpoint delete -- --odd", "endpoint delete -- --odd"},
		{"unknown option", "status nginx --odd", "status --odd nginx"},
		{"unknown command with an option", "statsu nginx --odd", "statsu nginx --odd"},
		{"help of a command", "help policy add", "policy add --help"},
		{"help below a command", "policy help add", "policy add --help"},
		{"help of an argument's command runs nothing", "help endpoint delete ops", "endpoint delete --help"},
		{"help of the program", "help", "--help"},
		{"help of what is no command", "help frobnicate", "frobnicate"},
		{"argument named help", "endpoint show help", "endpoint show help"},
		{"value that is missing", "status --platform", "status --platform"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := arguments.Arrange(newApp(), append([]string{"tagwatch"}, strings.Fields(test.typed)...))
			if joined := strings.Join(got[1:], " "); joined != test.want {
				t.Errorf("got  %s\nwant %s", joined, test.want)
			}
		})
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"sub": "subscribe", "statsu": "status", "polciy": "policy", "vulnerabilites": "vulnerabilities", "frobnicate": "", "hel": "",
	} {
		if got := arguments.SuggestCommand(typed, newApp().Commands); got != want {
			t.Errorf("%s: got %q, want %q", typed, got, want)
		}
	}
}
