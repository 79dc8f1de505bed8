package job

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// canonical is a document's one form as JSON: keys sorted by bytes, no space,
// nothing escaped that needn't be, numbers as [canonicalNumber] writes them.
// What was an alias or a merge in YAML is written out. Reading it gives the same document.
func (n *node) canonical() []byte {
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

// write appends the canonical form.
func (n *node) write(b *bytes.Buffer) {
	switch n.kind {
	case kindNull:
		b.WriteString("null")
	case kindBool:
		b.WriteString(strconv.FormatBool(n.truth))
	case kindNumber:
		b.WriteString(n.text)
	case kindString:
		writeText(b, n.text)
	case kindList:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b)
		}
		b.WriteByte(']')
	case kindMap:
		n.writeMap(b)
	}
}

// writeMap appends a map, its keys sorted.
func (n *node) writeMap(b *bytes.Buffer) {
	fields := slices.Clone(n.fields)
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		writeText(b, f.key)
		b.WriteByte(':')
		f.value.write(b)
	}
	b.WriteByte('}')
}

// writeText appends a JSON string.
func writeText(b *bytes.Buffer, text string) {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(text) == nil { // a string always encodes
		b.Truncate(b.Len() - 1) // the encoder's line end
	}
}

// digest is the name of a content: "sha256:" and its hash in hex.
func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
