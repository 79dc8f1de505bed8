package job

import (
	"encoding/json"
	"strconv"
	"strings"
)

// position is a place in the file; the zero value is unknown.
type position struct{ line, column int }

// nodeKind is the JSON kind of a node.
type nodeKind int

const (
	kindNull nodeKind = iota
	kindBool
	kindNumber
	kindString
	kindList
	kindMap
)

// node is one value of a document, and where it was written.
type node struct {
	kind nodeKind
	pos  position
	// text is a string's value, or a number in its canonical form (see canonicalNumber).
	text string
	// style is how a string was written, to find a place inside it.
	style scalarStyle
	truth bool
	items []*node
	// fields are a map's, in the order of the file.
	fields []field
	// index finds the fields of a large map; made at the first search.
	index map[string]int
	// concealed: messages name the node's kind, never what it holds.
	concealed bool
}

// largeMap is from how many fields on a map is searched with an index.
const largeMap = 16

// field is one key of a map with its value.
type field struct {
	key   string
	pos   position
	value *node
}

// scalarStyle says how a scalar was written.
type scalarStyle int

const (
	styleFlow  scalarStyle = iota // plain, quoted, or JSON
	styleBlock                    // | or >
)

// get returns the value of a key, or nil; a nil node has no keys.
func (n *node) get(key string) *node {
	if f := n.field(key); f != nil {
		return f.value
	}
	return nil
}

// field returns a key with its value, or nil.
func (n *node) field(key string) *field {
	if n == nil {
		return nil
	}
	if len(n.fields) < largeMap {
		for i := range n.fields {
			if n.fields[i].key == key {
				return &n.fields[i]
			}
		}
		return nil
	}
	if len(n.index) != len(n.fields) { // fields have one key each
		n.index = make(map[string]int, len(n.fields))
		for i := range n.fields {
			n.index[n.fields[i].key] = i
		}
	}
	if i, ok := n.index[key]; ok {
		return &n.fields[i]
	}
	return nil
}

// stringAt returns a key's text, and false where there is none or it isn't text.
func (n *node) stringAt(key string) (string, bool) {
	value := n.get(key)
	if value == nil || value.kind != kindString {
		return "", false
	}
	return value.text, true
}

// find walks a path of keys and indexes as far as it leads: to the value, and
// true; or to the last value on the way, and false.
func (n *node) find(path []string) (*node, bool) {
	for _, segment := range path {
		var next *node
		switch n.kind {
		case kindMap:
			next = n.get(segment)
		case kindList:
			if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < len(n.items) {
				next = n.items[i]
			}
		case kindNull, kindBool, kindNumber, kindString:
		}
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}

// keyPosition is where the last key of a path is written; a list's item has its value's place.
func (n *node) keyPosition(path []string) position {
	if len(path) == 0 {
		return n.pos
	}
	parent, ok := n.find(path[:len(path)-1])
	if !ok {
		return parent.pos
	}
	if f := parent.field(path[len(path)-1]); f != nil {
		return f.pos
	}
	value, _ := n.find(path)
	return value.pos
}

// value returns the node as encoding/json would decode it with UseNumber.
func (n *node) value() any {
	switch n.kind {
	case kindBool:
		return n.truth
	case kindNumber:
		return json.Number(n.text)
	case kindString:
		return n.text
	case kindList:
		items := make([]any, len(n.items))
		for i, item := range n.items {
			items[i] = item.value()
		}
		return items
	case kindMap:
		fields := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			fields[f.key] = f.value.value()
		}
		return fields
	case kindNull:
	}
	return nil
}

// conceal makes messages silent about what a node and its parts hold.
func (n *node) conceal() {
	n.concealed = true
	for _, item := range n.items {
		item.conceal()
	}
	for _, f := range n.fields {
		f.value.conceal()
	}
}

// spend takes a node with all its parts from a budget, until there is no room left.
func (n *node) spend(room *budget) {
	if !room.spend(len(n.text)) {
		return
	}
	for _, item := range n.items {
		item.spend(room)
	}
	for _, f := range n.fields {
		room.bytes -= len(f.key)
		f.value.spend(room)
	}
}

// describe says what the node is, in a message's words.
func (n *node) describe() string {
	if n.concealed && n.kind != kindNull {
		return n.kindName()
	}
	switch n.kind {
	case kindNull:
		return "nothing (null)"
	case kindBool:
		return "the truth value " + strconv.FormatBool(n.truth)
	case kindNumber:
		return "the number " + shorten(n.text)
	case kindString:
		return "the text " + quote(n.text)
	case kindList:
		return "a list"
	case kindMap:
		return "a map"
	}
	return "nothing"
}

// kindName says of which kind the node is, never what it holds.
func (n *node) kindName() string {
	switch n.kind {
	case kindNull:
		return "null"
	case kindBool:
		return "a truth value"
	case kindNumber:
		return "a number"
	case kindString:
		return "a text"
	case kindList:
		return "a list"
	case kindMap:
		return "a map"
	}
	return "nothing"
}

// maxQuoted is the most characters of a found value that a message repeats.
const maxQuoted = 60

// shorten cuts a found value to a message's length.
func shorten(s string) string {
	runes := []rune(s)
	if len(runes) <= maxQuoted {
		return s
	}
	return string(runes[:maxQuoted]) + "…"
}

// quote is a found text in a message.
func quote(s string) string { return strconv.Quote(shorten(s)) }

// pointerEscaper escapes a reference token (RFC 6901, section 3).
var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// pointerOf is the JSON pointer of a path.
func pointerOf(path ...string) string {
	var b strings.Builder
	for _, segment := range path {
		b.WriteByte('/')
		b.WriteString(pointerEscaper.Replace(segment))
	}
	return b.String()
}

// join returns path with more segments, never sharing path's memory.
func join(path []string, more ...string) []string {
	joined := make([]string, 0, len(path)+len(more))
	return append(append(joined, path...), more...)
}
