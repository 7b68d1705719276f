package webhook

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"
)

// TestRedactsParts: whatever part of a secret address a receiver echoes, however
// it writes it, is not shown.
func TestRedactsParts(t *testing.T) {
	t.Parallel()
	address, err := url.Parse("https://user-name:pass+word@hooks.example.com/services/T0123456/B<&>'\"ü/xyzXYZ%2F789?token=t0ken%20value&other=sec%2Bret#fragment")
	if err != nil {
		t.Fatal(err)
	}
	var c credentials
	c.hideAddress(address, true)
	for _, part := range []string{"user-name", "pass+word", "services", "T0123456", "B<&>'\"ü", "xyzXYZ/789", "xyzXYZ%2F789", "t0ken value", "sec+ret", "fragment",
		"services/T0123456", strings.Trim(address.Path, "/"), address.RawQuery, "T0123456/B<&>'\"ü"} {
		quoted, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		for name, spelling := range map[string]string{
			"itself": part, "query": url.QueryEscape(part), "path": url.PathEscape(part), "twice": url.QueryEscape(url.QueryEscape(part)),
			"JSON": string(quoted[1 : len(quoted)-1]), "HTML": html.EscapeString(part), "all of it": everyByte(part), "lower": strings.ToLower(everyByte(part)),
			"slashes": strings.ReplaceAll(part, "/", `\/`), "decimal": everyRune(part),
			"Base64": base64.StdEncoding.EncodeToString([]byte(part)), "hexadecimal": hex.EncodeToString([]byte(part)),
		} {
			if name == "Base64" && strings.Contains(part, "/T0") || name == "hexadecimal" && strings.Contains(part, "/T0") || strings.Contains(part, "6/B") && (name == "Base64" || name == "hexadecimal") {
				continue // of every whole part, not of every cut
			}
			if text := c.redact("no such hook: [" + spelling + "] at 12:00"); text == "no such hook: ["+spelling+"] at 12:00" || strings.Contains(text, spelling) || !strings.HasPrefix(text, "no such hook: [") || !strings.HasSuffix(text, "] at 12:00") {
				t.Errorf("%s of %q: %q", name, part, text)
			}
		}
	}
	if text := c.redact("the channel is archived"); text != "the channel is archived" {
		t.Errorf("a harmless text: %q", text)
	}
}

// TestRedactsOfPlainAddress: of an address that is no secret, the query is.
func TestRedactsOfPlainAddress(t *testing.T) {
	t.Parallel()
	address, err := url.Parse("https://hooks.example.com/services/shop?token=t0ken%20value")
	if err != nil {
		t.Fatal(err)
	}
	var c credentials
	c.hideAddress(address, false)
	if text := c.redact("services/shop refuses t0ken value, t0ken+value and t0ken%20value"); text != "services/shop refuses ***, *** and ***" {
		t.Error(text)
	}
}

func everyByte(text string) string {
	var out strings.Builder
	for _, b := range []byte(text) {
		out.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{b})))
	}
	return out.String()
}

func everyRune(text string) string {
	var out strings.Builder
	for _, r := range text {
		entity, _ := json.Marshal(r)
		out.WriteString("&#" + string(entity) + ";")
	}
	return out.String()
}
