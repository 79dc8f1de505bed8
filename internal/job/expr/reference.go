package expr

import (
	"net/url"
	"strconv"
	"strings"
)

// Resolve returns what a reference inside a decoded JSON Schema refers to: "#"
// or "#/$defs/x", a JSON pointer that may be percent-encoded (RFC 6901, section
// 6). It is nil where the reference leads nowhere, or out of the document.
func Resolve(root any, ref string) any {
	fragment, ok := strings.CutPrefix(ref, "#")
	if !ok || fragment != "" && fragment[0] != '/' {
		return nil
	}
	if pointer, err := url.PathUnescape(fragment); err == nil {
		fragment = pointer
	}
	at := root
	for _, token := range Path(fragment) {
		switch value := at.(type) {
		case map[string]any:
			at = value[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(value) {
				return nil
			}
			at = value[i]
		default:
			return nil
		}
	}
	return at
}

// The reference tokens of a JSON pointer, escaped and not (RFC 6901, section 3).
var (
	escapeToken   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapeToken = strings.NewReplacer("~1", "/", "~0", "~")
)

// Path returns the tokens of a JSON pointer; none for "", the whole document.
func Path(pointer string) []string {
	if pointer == "" {
		return nil
	}
	path := strings.Split(pointer[1:], "/")
	for i, token := range path {
		path[i] = unescapeToken.Replace(token)
	}
	return path
}
