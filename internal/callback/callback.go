// Package callback makes and reads the signed tokens by which a step that waits
// for a callback is called from outside: who has one may call, and nobody else.
package callback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
)

// Wait names the waiting step, in one run.
type Wait struct {
	Team string
	Run  string
	Step string
	// Item is the key of the `foreach` item, "" where there is none.
	Item string
}

// ErrForged is the error of a token that the key has not signed.
var ErrForged = errors.New("the callback token was not signed here")

const (
	// version begins what is signed, so that another layout can be told apart.
	version = 1
	// signature is the length of the signature in bytes: HMAC-SHA256, cut to 128
	// bits as RFC 4868 has it, so that URLs stay short.
	signature = 16
	// maxToken bounds the text that is looked at: an item's key has 200 characters at most.
	maxToken = 4 << 10
)

// encoding refuses texts that differ in bits that carry nothing: a token has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// Path is the URL path of a token's callback, below the gateway's own address.
const Path = "/v1/callbacks/"

// URL is where the step is called: base is the gateway's public address.
func URL(base string, key []byte, wait Wait) string {
	return strings.TrimSuffix(base, "/") + Path + Sign(key, wait)
}

// Sign returns the step's token, always the same, of characters that need no
// escaping in a URL. It never expires: the run knows when it is too late.
func Sign(key []byte, wait Wait) string {
	signed := []byte{version}
	for _, name := range []string{wait.Team, wait.Run, wait.Step, wait.Item} {
		signed = binary.AppendUvarint(signed, uint64(len(name)))
		signed = append(signed, name...)
	}
	return encoding.EncodeToString(append(signed, sign(key, signed)...))
}

// Parse returns what a token names. [ErrForged]: it isn't one of [Sign] with this key.
func Parse(key []byte, token string) (Wait, error) {
	if len(token) > maxToken {
		return Wait{}, ErrForged
	}
	raw, err := encoding.DecodeString(token)
	if err != nil || strings.ContainsAny(token, "\r\n") || len(raw) <= signature {
		return Wait{}, ErrForged
	}
	signed, mac := raw[:len(raw)-signature], raw[len(raw)-signature:]
	if !hmac.Equal(mac, sign(key, signed)) {
		return Wait{}, ErrForged
	}
	return read(signed)
}

// read reads what was signed.
func read(signed []byte) (Wait, error) {
	if signed[0] != version {
		return Wait{}, ErrForged
	}
	var wait Wait
	rest := signed[1:]
	for _, name := range []*string{&wait.Team, &wait.Run, &wait.Step, &wait.Item} {
		length, n := binary.Uvarint(rest)
		if n <= 0 || length > maxToken || int(length) > len(rest)-n {
			return Wait{}, ErrForged
		}
		end := n + int(length)
		*name, rest = string(rest[n:end]), rest[end:]
	}
	if len(rest) > 0 {
		return Wait{}, ErrForged
	}
	return wait, nil
}

// sign signs for this purpose only: the key may serve others.
func sign(key, signed []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("fairlead callback\x00"))
	mac.Write(signed)
	return mac.Sum(nil)[:signature]
}
