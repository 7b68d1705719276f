package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/domain/message"
)

// secretPrefix marks a secret that is base64 of the key; any other text is the
// key itself.
const secretPrefix = "whsec_"

// signatures is the value of the signature header: one signature a key, separated by
// spaces, so that a receiver can verify it with the old or the new secret.
func signatures(keys [][]byte, post message.Post) string {
	texts := make([]string, len(keys))
	for i, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(post.ID + "." + strconv.FormatInt(post.At.Unix(), 10) + "."))
		mac.Write(post.Body.Content)
		texts[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(texts, " ")
}

// signingKey is the key in a secret.
func signingKey(secret string) ([]byte, error) {
	encoded, isEncoded := strings.CutPrefix(secret, secretPrefix)
	if !isEncoded {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, errors.New("the text after " + secretPrefix + " is not base64; without that prefix, any text is allowed")
	}
	return key, nil
}
