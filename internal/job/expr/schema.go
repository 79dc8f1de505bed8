package expr

import (
	"encoding/json"
	"reflect"
)

// FromSchema returns the type that a JSON Schema (2020-12) describes, as far
// as `type`, `properties`, `additionalProperties`, `items`, `enum`, `const` and
// local `$ref` tell. What they don't tell is of any type. An object that
// declares properties has no others unless additionalProperties or a keyword
// that may add some (allOf, patternProperties, …) is there.
func FromSchema(schema json.RawMessage) *Type {
	value, err := Decode(schema)
	if err != nil {
		return nil
	}
	root, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	return (&typing{root: root, made: map[uintptr]*Type{}}).of(root)
}

// typing makes the types of one schema document.
type typing struct {
	root map[string]any
	// made are the types by the schema object that they are of: each is made
	// once, however often the document refers to it, and a schema that refers to
	// itself gives a type that has itself inside.
	made map[uintptr]*Type
}

// of is the type that a schema describes; nil is any.
func (t *typing) of(value any) *Type {
	schema, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	if ref, ok := schema["$ref"].(string); ok {
		return t.referred(schema, ref)
	}
	identity := reflect.ValueOf(schema).Pointer()
	if typ, ok := t.made[identity]; ok {
		return typ
	}
	name, nullable := typeName(schema)
	typ := newType(name)
	if nullable {
		typ = typ.orNull()
	}
	t.made[identity] = typ // before its parts, which may refer to it
	switch typ.kindOf() {
	case kindList:
		if _, tuple := schema["prefixItems"]; !tuple {
			typ.item = t.of(schema["items"])
		}
	case kindObject:
		t.properties(typ, schema)
	case kindString:
		typ.only = choices(schema)
	default:
	}
	return typ
}

// referred is the type of a schema that is a reference.
func (t *typing) referred(schema map[string]any, ref string) *Type {
	for range longestReference {
		if len(annotations(schema)) > 1 {
			return nil
		}
		target, ok := Resolve(t.root, ref).(map[string]any)
		if !ok {
			return nil
		}
		if ref, ok = target["$ref"].(string); !ok {
			return t.of(target)
		}
		schema = target
	}
	return nil
}

// longestReference is how many references in a row are followed.
const longestReference = 100

// newType is the type that a schema names, without its parts.
func newType(name string) *Type {
	switch name {
	case "null":
		return &Type{kind: kindNull}
	case "boolean":
		return &Type{kind: kindBool}
	case "integer":
		return &Type{kind: kindInt}
	case "number":
		return &Type{kind: kindNumber}
	case "string":
		return &Type{kind: kindString}
	case "array":
		return &Type{kind: kindList}
	case "object":
		return &Type{kind: kindObject, prop: map[string]*Type{}}
	}
	return nil
}

// typeName is the one type that every instance of a schema has, "" when there is
// none, and whether an instance may be null instead.
func typeName(schema map[string]any) (name string, nullable bool) {
	switch t := schema["type"].(type) {
	case string:
		return t, false
	case []any:
		var names []string
		for _, name := range t {
			text, _ := name.(string)
			names = append(names, text)
		}
		return shared(names)
	}
	if _, ok := schema["properties"]; ok {
		return "object", false
	}
	values, ok := schema["enum"].([]any)
	if c, has := schema["const"]; has {
		values, ok = []any{c}, true
	}
	if !ok {
		return "", false
	}
	var names []string
	for _, value := range values {
		names = append(names, valueName(value))
	}
	return shared(names)
}

// shared is the one type that some type names come to: integer and number are
// number, and null with another is that, nullable.
func shared(names []string) (name string, nullable bool) {
	for i, next := range names {
		switch {
		case i == 0 || name == next:
			name = next
		case name == "null":
			name, nullable = next, true
		case next == "null":
			nullable = true
		case isNumberName(name) && isNumberName(next):
			name = "number"
		default:
			return "", false
		}
	}
	return name, nullable
}

func isNumberName(name string) bool { return name == "integer" || name == "number" }

func valueName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "number"
	case string:
		return "string"
	}
	return ""
}

// openers are the keywords that may let an object have properties beside the declared ones.
var openers = []string{
	"allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas", "unevaluatedProperties", "$dynamicRef",
}

// properties gives an object's type what its schema says of its properties.
func (t *typing) properties(typ *Type, schema map[string]any) {
	declared, has := schema["properties"].(map[string]any)
	for name, property := range declared {
		typ.prop[name] = t.of(property)
	}
	typ.open = !has
	switch additional := schema["additionalProperties"].(type) {
	case bool:
		typ.open = additional
	case map[string]any:
		typ.open = true
		typ.rest = t.of(additional)
	}
	for _, key := range openers {
		if _, ok := schema[key]; ok {
			typ.open, typ.rest = true, nil
		}
	}
}

// annotations are a schema's keywords that aren't only documentation.
func annotations(schema map[string]any) []string {
	var keys []string
	for key := range schema {
		switch key {
		case "title", "description", "default", "examples", "deprecated", "$comment", "$defs", "$schema", "$id":
		default:
			keys = append(keys, key)
		}
	}
	return keys
}
