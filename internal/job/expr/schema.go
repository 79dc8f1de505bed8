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
	typ := newType(schema)
	t.made[identity] = typ // before its parts, which may refer to it
	switch typ.kindOf() {
	case kindList:
		if _, tuple := schema["prefixItems"]; !tuple {
			typ.item = t.of(schema["items"])
		}
	case kindObject:
		t.properties(typ, schema)
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

// newType is the type of a schema without its parts.
func newType(schema map[string]any) *Type {
	switch typeName(schema) {
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

// typeName is the one type that every instance of a schema has; "" when there is none.
func typeName(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		return numeric(t)
	}
	if _, ok := schema["properties"]; ok {
		return "object"
	}
	values, ok := schema["enum"].([]any)
	if c, has := schema["const"]; has {
		values, ok = []any{c}, true
	}
	if !ok || len(values) == 0 {
		return ""
	}
	first := valueName(values[0])
	for _, v := range values[1:] {
		if valueName(v) != first {
			return ""
		}
	}
	return first
}

// numeric is the type of a list of type names: itself when it is one, number for the numeric ones.
func numeric(names []any) string {
	if len(names) == 1 {
		name, _ := names[0].(string)
		return name
	}
	for _, name := range names {
		if name != "integer" && name != "number" {
			return ""
		}
	}
	return "number"
}

func valueName(v any) string {
	switch v.(type) {
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
