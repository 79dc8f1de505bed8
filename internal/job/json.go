package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// isJSON reports whether a document is JSON; YAML's own reading of JSON differs
// in escapes and tabs.
func isJSON(source []byte) bool {
	trimmed := bytes.TrimSpace(source)
	return len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed)
}

// parseJSON reads a document for which isJSON holds. Places in it are not exact
// to the column inside a text with escapes; nothing else is left out.
func parseJSON(doc document, limits *budget) (*node, []Field) {
	reader := &jsonReader{decoder: json.NewDecoder(bytes.NewReader(doc.source)), doc: doc, budget: limits, starts: lineStarts(doc.source)}
	reader.decoder.UseNumber()
	root, err := reader.value(nil, 0)
	if err != nil && !errors.Is(err, errStopped) {
		reader.fail(nil, position{line: doc.line + 1, column: 1}, "this is not JSON that can be read: "+err.Error())
	}
	if len(reader.problems) > 0 {
		return nil, reader.problems
	}
	return root, nil
}

// errStopped ends the reading after a problem that has been kept.
var errStopped = errors.New("stopped")

// jsonReader makes nodes of JSON tokens.
type jsonReader struct {
	decoder  *json.Decoder
	doc      document
	problems []Field
	budget   *budget
	// starts are where the lines begin.
	starts []int
	// offset, line and column are where the last place was found: places are asked for in order.
	offset, line, column int
}

// at is the place where the next token begins.
func (r *jsonReader) at() position {
	target := int(r.decoder.InputOffset())
	for target < len(r.doc.source) && bytes.IndexByte([]byte(" \t\r\n,:"), r.doc.source[target]) >= 0 {
		target++
	}
	for r.line+1 < len(r.starts) && r.starts[r.line+1] <= target {
		r.line++
		r.offset, r.column = r.starts[r.line], 0
	}
	r.column += utf8.RuneCount(r.doc.source[r.offset:target])
	r.offset = target
	return position{line: r.doc.line + r.line + 1, column: r.column + 1}
}

// fail keeps a problem.
func (r *jsonReader) fail(path []string, pos position, message string) {
	if len(r.problems) < maxFields {
		r.problems = append(r.problems, Field{Pointer: pointerOf(path...), Line: pos.line, Column: pos.column, Message: message})
	}
}

// value reads the next value.
func (r *jsonReader) value(path []string, depth int) (*node, error) {
	pos := r.at()
	if !r.budget.spend(0) {
		r.fail(path, pos, fmt.Sprintf("the file has more than %d values; split it, or move data out of it", maxNodes))
		return nil, errStopped
	}
	if depth > maxDepth {
		r.fail(path, pos, fmt.Sprintf("lists and maps nest more than %d deep", maxDepth))
		return nil, errStopped
	}
	tk, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch tk := tk.(type) {
	case bool:
		return &node{kind: kindBool, truth: tk, pos: pos}, nil
	case string:
		return &node{kind: kindString, text: tk, pos: pos}, nil
	case json.Number:
		number, err := canonicalNumber(tk.String())
		if err != nil {
			r.fail(path, pos, err.Error())
		}
		return &node{kind: kindNumber, text: number, pos: pos}, nil
	case json.Delim:
		if tk == '[' {
			return r.list(path, pos, depth)
		}
		return r.object(path, pos, depth)
	}
	return &node{kind: kindNull, pos: pos}, nil
}

// list reads the rest of a list.
func (r *jsonReader) list(path []string, pos position, depth int) (*node, error) {
	list := &node{kind: kindList, pos: pos}
	for r.decoder.More() {
		item, err := r.value(join(path, strconv.Itoa(len(list.items))), depth+1)
		if err != nil {
			return nil, err
		}
		list.items = append(list.items, item)
	}
	_, err := r.decoder.Token()
	return list, err
}

// object reads the rest of an object.
func (r *jsonReader) object(path []string, pos position, depth int) (*node, error) {
	object := &node{kind: kindMap, pos: pos}
	first := map[string]position{}
	for r.decoder.More() {
		keyAt := r.at()
		tk, err := r.decoder.Token()
		if err != nil {
			return nil, err
		}
		key, _ := tk.(string)
		if len([]rune(key)) > maxKey {
			message := fmt.Sprintf("a key of more than %d characters", maxKey)
			if !r.doc.concealed {
				message += ": " + quote(key)
			}
			r.fail(path, keyAt, message)
			return nil, errStopped
		}
		value, err := r.value(join(path, key), depth+1)
		if err != nil {
			return nil, err
		}
		if at, twice := first[key]; twice {
			r.fail(join(path, key), keyAt, fmt.Sprintf("the key %s is here twice, first in line %d; keep one", quote(key), at.line))
			continue
		}
		first[key] = keyAt
		object.fields = append(object.fields, field{key: key, pos: keyAt, value: value})
	}
	_, err := r.decoder.Token()
	return object, err
}
