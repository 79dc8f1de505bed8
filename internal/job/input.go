package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// noInput is the schema of a job that takes none.
const noInput = `{"type":"object","properties":{}}`

// compileInput compiles a job's input schema, its objects closed.
func compileInput(raw json.RawMessage) (*compiled, error) {
	if raw == nil {
		raw = json.RawMessage(noInput)
	}
	doc, err := decodeExact(raw)
	if err != nil {
		return nil, Wrap(CodeInternal, err, "the input schema is not JSON")
	}
	root, ok := doc.(map[string]any)
	if !ok {
		return nil, Errorf(CodeInvalidDefinition, "the input schema is not an object")
	}
	closeObjects(root)
	compiler := newCompiler()
	if err := compiler.AddResource(inputURL, root); err != nil {
		return nil, Wrap(CodeInvalidDefinition, err, "the input schema can't be used")
	}
	schema, err := compiler.Compile(inputURL)
	if err != nil {
		return nil, err
	}
	return &compiled{schema: schema, doc: root}, nil
}

// acceptance says how a value is taken.
type acceptance struct {
	// limit is the most bytes it may have, a whole number of MiB.
	limit int
	// conceal: messages don't quote the value.
	conceal bool
}

// accept checks a JSON value against a schema, with the schema's defaults
// applied, and returns it so. Nothing at all is {}. what names the value in messages.
func (c *compiled) accept(raw []byte, what string, how acceptance) (json.RawMessage, error) {
	if len(raw) > how.limit {
		return nil, Errorf(CodeTooLarge, "%s has %d bytes; at most %d (%d MiB) are allowed: keep large data elsewhere and pass its address",
			what, len(raw), how.limit, how.limit>>20)
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	if !json.Valid(raw) {
		return nil, notJSON(raw, what)
	}
	parsed, problems := parseJSON(document{source: raw, concealed: how.conceal}, &budget{nodes: how.limit, bytes: how.limit})
	if len(problems) > 0 {
		return nil, &Error{Code: CodeInvalidInput, Message: what + " can't be read", Fields: withoutPlace(problems)}
	}
	root, _ := c.doc.(map[string]any)
	value := applyDefaults(root, root, parsed.value())
	complete := nodeOf(value)
	if how.conceal {
		complete.conceal()
	}
	if fields := c.faults(value, complete); len(fields) > 0 {
		message := what + " breaks its schema"
		if len(fields) > maxFields {
			message += " in " + amount(len(fields), "places")
		}
		return nil, &Error{Code: CodeInvalidInput, Message: message, Fields: invalid(fields).Fields}
	}
	return complete.canonical(), nil
}

// faults are what a schema finds wrong with a value, whose node is found; not
// many more than are told.
func (c *compiled) faults(value any, root *node) []Field {
	var fields []Field
	for _, violation := range c.violations(value) {
		if len(fields) > maxProblems {
			break
		}
		for _, found := range explain(c, violation, root) {
			if root.concealed {
				found = found.conceal()
			}
			fields = append(fields, Field{Pointer: pointerOf(found.path...), Message: found.message})
		}
	}
	return fields
}

// notJSON says where a text stops being JSON.
func notJSON(raw []byte, what string) *Error {
	failed := Errorf(CodeInvalidInput, "%s is not JSON", what)
	var syntax *json.SyntaxError
	if err := json.Unmarshal(raw, new(any)); errors.As(err, &syntax) {
		line, column := lineColumn(raw, max(0, int(syntax.Offset)-1))
		failed.Fields = []Field{{Line: line, Column: column, Message: syntax.Error()}}
	}
	return failed
}

// withoutPlace removes lines from problems of a value that is part of a request.
func withoutPlace(problems []Field) []Field {
	for i := range problems {
		problems[i].Line, problems[i].Column = 0, 0
	}
	return problems
}

// defaulter applies defaults; left bounds how many, since a schema may refer to itself.
type defaulter struct {
	root map[string]any
	left int
}

// applyDefaults returns a decoded value with the defaults of its schema filled
// in where a property is absent: those beside `properties`, through $ref, allOf
// and items; not those of alternatives, which may not hold. The value is changed.
func applyDefaults(root, schema map[string]any, value any) any {
	const most = 10_000
	d := &defaulter{root: root, left: most}
	d.apply(schema, value, 0)
	return value
}

// apply fills a value by one schema.
func (d *defaulter) apply(schema map[string]any, value any, depth int) {
	if depth > maxDepth || d.left <= 0 {
		return
	}
	if ref, ok := schema["$ref"].(string); ok {
		if target, ok := expr.Resolve(d.root, ref).(map[string]any); ok {
			d.apply(target, value, depth+1)
		}
	}
	all, _ := schema["allOf"].([]any)
	for _, part := range all {
		if object, ok := part.(map[string]any); ok {
			d.apply(object, value, depth+1)
		}
	}
	switch v := value.(type) {
	case map[string]any:
		d.properties(schema, v, depth)
	case []any:
		items, ok := schema["items"].(map[string]any)
		tuple, _ := schema["prefixItems"].([]any)
		for i, item := range v {
			if i < len(tuple) {
				if object, ok := tuple[i].(map[string]any); ok {
					d.apply(object, item, depth+1)
				}
			} else if ok {
				d.apply(items, item, depth+1)
			}
		}
	}
}

// properties fills an object's properties.
func (d *defaulter) properties(schema, object map[string]any, depth int) {
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range keysOf(properties) {
		property, ok := properties[name].(map[string]any)
		if !ok {
			continue
		}
		if _, has := object[name]; !has {
			standard, has := d.standard(property)
			if !has || d.left <= 0 {
				continue
			}
			d.left--
			object[name] = copyValue(standard)
		}
		d.apply(property, object[name], depth+1)
	}
}

// standard is the default of a property, its own or that of what it refers to.
func (d *defaulter) standard(property map[string]any) (any, bool) {
	for range maxDepth {
		if value, has := property["default"]; has {
			return value, true
		}
		ref, _ := property["$ref"].(string)
		next, ok := expr.Resolve(d.root, ref).(map[string]any)
		if !ok {
			return nil, false
		}
		property = next
	}
	return nil, false
}

// copyValue copies a decoded JSON value.
func copyValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, member := range v {
			copied[key] = copyValue(member)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, item := range v {
			copied[i] = copyValue(item)
		}
		return copied
	}
	return value
}

// nodeOf is the node of a decoded JSON value; it has no place.
func nodeOf(value any) *node {
	switch v := value.(type) {
	case bool:
		return &node{kind: kindBool, truth: v}
	case json.Number:
		text, err := canonicalNumber(v.String())
		if err != nil {
			text = v.String()
		}
		return &node{kind: kindNumber, text: text}
	case float64:
		return &node{kind: kindNumber, text: strconv.FormatFloat(v, 'g', -1, 64)}
	case string:
		return &node{kind: kindString, text: v}
	case []any:
		list := &node{kind: kindList}
		for _, item := range v {
			list.items = append(list.items, nodeOf(item))
		}
		return list
	case map[string]any:
		object := &node{kind: kindMap}
		for _, key := range keysOf(v) {
			object.fields = append(object.fields, field{key: key, value: nodeOf(v[key])})
		}
		return object
	}
	return &node{kind: kindNull}
}
