package expr

import (
	"encoding/json"
	"strings"
)

// schemaDepth bounds how deep a schema is followed, so that one which refers to itself ends.
const schemaDepth = 24

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
	return fromSchema(root, root, schemaDepth)
}

func fromSchema(root map[string]any, value any, depth int) *Type {
	schema, ok := value.(map[string]any)
	if !ok || depth == 0 {
		return nil
	}
	if ref, ok := schema["$ref"].(string); ok {
		if len(annotations(schema)) > 1 {
			return nil
		}
		return fromSchema(root, resolve(root, ref), depth-1)
	}
	switch name := typeName(schema); name {
	case "boolean":
		return &Type{kind: kindBool}
	case "integer":
		return &Type{kind: kindInt}
	case "number":
		return &Type{kind: kindNumber}
	case "string":
		return &Type{kind: kindString}
	case "array":
		return &Type{kind: kindList, item: itemType(root, schema, depth)}
	case "object":
		return objectType(root, schema, depth)
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

func itemType(root, schema map[string]any, depth int) *Type {
	if _, tuple := schema["prefixItems"]; tuple {
		return nil
	}
	return fromSchema(root, schema["items"], depth-1)
}

// openers are the keywords that may let an object have properties beside the declared ones.
var openers = []string{
	"allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas", "unevaluatedProperties", "$dynamicRef",
}

func objectType(root, schema map[string]any, depth int) *Type {
	t := &Type{kind: kindObject, prop: map[string]*Type{}}
	declared, has := schema["properties"].(map[string]any)
	for name, property := range declared {
		t.prop[name] = fromSchema(root, property, depth-1)
	}
	t.open = !has
	switch additional := schema["additionalProperties"].(type) {
	case bool:
		t.open = additional
	case map[string]any:
		t.open = true
		t.rest = fromSchema(root, additional, depth-1)
	}
	for _, key := range openers {
		if _, ok := schema[key]; ok {
			t.open, t.rest = true, nil
		}
	}
	return t
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

// resolve follows a local reference, "#/$defs/x"; nil when it leads nowhere.
func resolve(root map[string]any, ref string) any {
	if ref == "#" {
		return root
	}
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	var at any = root
	for token := range strings.SplitSeq(path, "/") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
	}
	return at
}
