package job

import (
	"slices"
	"strconv"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// subschemas says how a keyword of JSON Schema holds schemas.
type subschemas int

const (
	holdsNone subschemas = iota
	holdsOne
	holdsList
	holdsMap
)

// keyword is what an input schema may say, and how it is followed.
type keyword struct {
	holds subschemas
	// inPlace: the schemas are of the same value, not of a part of it.
	inPlace bool
}

// keywords are those of JSON Schema 2020-12 that are enforced, and the
// annotations. Any other key in a schema is refused: it would have no effect.
var keywords = map[string]keyword{
	"$schema": {}, "$ref": {}, "$comment": {}, "$defs": {holds: holdsMap},
	"title": {}, "description": {}, "default": {}, "examples": {}, "deprecated": {}, "readOnly": {}, "writeOnly": {},
	"type": {}, "enum": {}, "const": {}, "format": {},
	"multipleOf": {}, "minimum": {}, "maximum": {}, "exclusiveMinimum": {}, "exclusiveMaximum": {},
	"minLength": {}, "maxLength": {}, "pattern": {},
	"minItems": {}, "maxItems": {}, "uniqueItems": {}, "minContains": {}, "maxContains": {},
	"items": {holds: holdsOne}, "prefixItems": {holds: holdsList}, "contains": {holds: holdsOne}, "unevaluatedItems": {holds: holdsOne},
	"minProperties": {}, "maxProperties": {}, "required": {}, "dependentRequired": {},
	"properties": {holds: holdsMap}, "patternProperties": {holds: holdsMap}, "additionalProperties": {holds: holdsOne},
	"propertyNames": {holds: holdsOne}, "unevaluatedProperties": {holds: holdsOne},
	"allOf": {holds: holdsList, inPlace: true}, "anyOf": {holds: holdsList, inPlace: true}, "oneOf": {holds: holdsList, inPlace: true},
	"not": {holds: holdsOne, inPlace: true}, "if": {holds: holdsOne, inPlace: true}, "then": {holds: holdsOne, inPlace: true},
	"else": {holds: holdsOne, inPlace: true}, "dependentSchemas": {holds: holdsMap, inPlace: true},
}

// place is a schema inside a schema document.
type place struct {
	schema map[string]any
	path   []string
	// value: the schema is of a whole value; else it is one of several of the
	// same value, or a definition that others refer to.
	value bool
}

// walkSchema visits every schema object of a document, from the root.
func walkSchema(at place, visit func(place)) {
	visit(at)
	for _, key := range keysOf(at.schema) {
		word := keywords[key]
		value := !word.inPlace && key != "$defs"
		step := func(child any, path []string) {
			if object, ok := child.(map[string]any); ok {
				walkSchema(place{schema: object, path: path, value: value}, visit)
			}
		}
		switch word.holds {
		case holdsOne:
			step(at.schema[key], join(at.path, key))
		case holdsList:
			list, _ := at.schema[key].([]any)
			for i, child := range list {
				step(child, join(at.path, key, strconv.Itoa(i)))
			}
		case holdsMap:
			children, _ := at.schema[key].(map[string]any)
			for _, name := range keysOf(children) {
				step(children[name], join(at.path, key, name))
			}
		case holdsNone:
		}
	}
}

// closeObjects makes objects refuse the properties that they don't declare,
// unless the schema says otherwise. It works on a decoded schema document, in place.
// unevaluatedProperties does it, which counts what allOf, $ref and the like declare.
func closeObjects(root map[string]any) {
	walkSchema(place{schema: root, value: true}, func(at place) {
		if !at.value {
			return
		}
		if declares, open := objectShape(root, at.schema, nil); declares && !open {
			at.schema["unevaluatedProperties"] = false
		}
	})
}

// objectShape reports whether a schema, or one of the same value that it is made of,
// declares properties, and whether one says itself what others may be there.
func objectShape(root, schema map[string]any, seen []string) (declares, open bool) {
	_, declares = schema["properties"]
	for _, key := range []string{"additionalProperties", "unevaluatedProperties", "patternProperties"} {
		if _, has := schema[key]; has {
			open = true
		}
	}
	parts, seen := sameValue(root, schema, seen)
	for _, part := range parts {
		d, o := objectShape(root, part, seen)
		declares, open = declares || d, open || o
	}
	return declares, open
}

// declaredNames are the properties that a schema declares, and those of the same value that it is made of.
func declaredNames(root, schema map[string]any, seen []string) []string {
	names := propertyNames(schema)
	parts, seen := sameValue(root, schema, seen)
	for _, part := range parts {
		names = append(names, declaredNames(root, part, seen)...)
	}
	return names
}

// sameValue are the schemas that a schema is made of and that say something of
// the same value. seen are the references on the way, so that a circle ends.
func sameValue(root, schema map[string]any, seen []string) ([]map[string]any, []string) {
	var parts []map[string]any
	add := func(child any) {
		if object, ok := child.(map[string]any); ok {
			parts = append(parts, object)
		}
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := schema[key].([]any)
		for _, child := range list {
			add(child)
		}
	}
	for _, key := range []string{"if", "then", "else"} {
		add(schema[key])
	}
	if ref, ok := schema["$ref"].(string); ok && !slices.Contains(seen, ref) {
		seen = append(slices.Clone(seen), ref)
		add(expr.Resolve(root, ref))
	}
	return parts, seen
}
