package job

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// inputURL names a job's input schema in errors; nothing is fetched.
const inputURL = "https://fairlead.dev/schema/v1/input.json"

// formats are those of JSON Schema that are asserted.
var formats = []string{
	"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "iri", "iri-reference", "json-pointer",
	"regex", "relative-json-pointer", "semver", "time", "uri", "uri-reference", "uri-template", "uuid",
}

// schemaTypes are the types of JSON Schema.
var schemaTypes = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

// checkInputSchema checks the schema of the job's input: that it is one, that
// every key in it has an effect, and that its defaults satisfy it.
func (c *checker) checkInputSchema() {
	written := c.root.get("input")
	if written == nil || written.kind != kindMap {
		return
	}
	root, _ := written.value().(map[string]any)
	before := len(c.problems)
	walkSchema(place{schema: root, value: true}, func(at place) { c.checkSchemaObject(root, at) })
	if len(c.problems) > before || c.grammarRefuses("/input") {
		return
	}
	if at, ok := tangled(root); ok {
		c.add(join([]string{"input"}, at.path...), fmt.Sprintf("here one value is checked by more than %d schemas, or by one that comes back to itself: "+
			"$ref, allOf, anyOf and the like multiply; refer to fewer", maxEvaluations))
		return
	}
	compiled, err := compileInput(c.def.Input)
	if err != nil {
		c.addSchemaErrors(err)
		return
	}
	c.checkSchemaDefaults(compiled, root)
}

// grammarRefuses reports whether the grammar refuses a value or a part of it.
func (c *checker) grammarRefuses(pointer string) bool {
	for refused := range c.refused {
		if refused == pointer || strings.HasPrefix(refused, pointer+"/") {
			return true
		}
	}
	return false
}

// checkSchemaObject checks the keywords of one schema object.
func (c *checker) checkSchemaObject(root map[string]any, at place) {
	path := join([]string{"input"}, at.path...)
	for _, key := range keysOf(at.schema) {
		if c.full() {
			return
		}
		if _, known := keywords[key]; !known {
			c.addKey(join(path, key), "`"+shorten(key)+"` is no keyword of an input schema"+
				orAllowed(didYouMean(key, keysOf(keywords)), "; every key must have an effect (JSON Schema 2020-12, without $id, $anchor and the content keywords)"))
		}
	}
	if name, ok := at.schema["type"].(string); ok && !slices.Contains(schemaTypes, name) {
		c.add(join(path, "type"), quote(name)+" is no type"+orAllowed(didYouMean(name, schemaTypes), "; write "+choices(schemaTypes)))
	}
	if format, ok := at.schema["format"].(string); ok && !slices.Contains(formats, format) {
		c.add(join(path, "format"), quote(format)+" is no format that is checked"+orAllowed(didYouMean(format, formats), "; there are "+strings.Join(formats, ", ")))
	}
	if pattern, ok := at.schema["pattern"].(string); ok {
		c.checkPattern(join(path, "pattern"), pattern)
	}
	if patterns, ok := at.schema["patternProperties"].(map[string]any); ok {
		for _, pattern := range keysOf(patterns) {
			c.checkPattern(join(path, "patternProperties", pattern), pattern)
		}
	}
	c.checkRequired(root, at, path)
	if ref, ok := at.schema["$ref"].(string); ok {
		c.checkRef(root, join(path, "$ref"), ref)
	}
	if dialect, ok := at.schema["$schema"].(string); ok && strings.TrimSuffix(dialect, "#") != "https://json-schema.org/draft/2020-12/schema" {
		c.add(join(path, "$schema"), "input schemas are JSON Schema 2020-12; remove $schema")
	}
}

// checkRequired refuses required properties that a closed object can't have: no value would satisfy it.
func (c *checker) checkRequired(root map[string]any, at place, path []string) {
	required, _ := at.schema["required"].([]any)
	if !at.value || len(required) == 0 {
		return
	}
	declares, open := objectShape(root, at.schema, nil)
	if closed, ok := at.schema["additionalProperties"].(bool); ok && !closed {
		open = false
	}
	if !declares || open {
		return
	}
	names := declaredNames(root, at.schema, nil)
	for i, name := range required {
		if text, ok := name.(string); ok && !slices.Contains(names, text) {
			c.add(join(path, "required", strconv.Itoa(i)), quote(text)+" is required, and `properties` doesn't have it"+
				orAllowed(didYouMean(text, names), "; declare it, or take it out of `required`"))
		}
	}
}

// checkPattern checks a regular expression.
func (c *checker) checkPattern(path []string, pattern string) {
	if _, err := regexp.Compile(pattern); err != nil {
		syntax := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		c.add(path, "the pattern can't be read (RE2 syntax): "+shorten(syntax))
	}
}

// checkRef checks that a reference leads to a schema of the same document, and not back to itself.
func (c *checker) checkRef(root map[string]any, path []string, ref string) {
	seen := []string{ref}
	for range maxReferences {
		target := expr.Resolve(root, ref)
		schema, ok := target.(map[string]any)
		if _, truth := target.(bool); truth {
			return
		}
		if !ok {
			c.add(path, quote(ref)+" leads nowhere; refer to a schema of this input, such as #/$defs/name")
			return
		}
		next, ok := schema["$ref"].(string)
		if !ok {
			return
		}
		if slices.Contains(seen, next) {
			c.add(path, quote(ref)+" refers to itself; it never comes to a schema")
			return
		}
		seen = append(seen, next)
		ref = next
	}
	c.add(path, fmt.Sprintf("%s leads to a schema over more than %d others; refer to it directly", quote(seen[0]), maxReferences))
}

// addSchemaErrors keeps why a schema can't be compiled.
func (c *checker) addSchemaErrors(err error) {
	var broken *jsonschema.SchemaValidationError
	var violation *jsonschema.ValidationError
	if !errors.As(err, &broken) || !errors.As(broken.Err, &violation) {
		c.add([]string{"input"}, "the input schema can't be used: "+shorten(err.Error()))
		return
	}
	root := c.root.get("input")
	for _, leaf := range leaves(violation, nil) {
		for _, found := range explain(&compiled{}, leaf, root) {
			c.add(join([]string{"input"}, found.path...), found.message)
		}
	}
}

// checkSchemaDefaults checks that every default satisfies the schema beside it.
func (c *checker) checkSchemaDefaults(input *compiled, root map[string]any) {
	compiler := newCompiler()
	if err := compiler.AddResource(inputURL, input.doc); err != nil {
		c.add([]string{"input"}, "the input schema can't be used: "+shorten(err.Error()))
		return
	}
	walkSchema(place{schema: root, value: true}, func(at place) {
		value, has := at.schema["default"]
		if !has {
			return
		}
		schema, err := compiler.Compile(inputURL + "#" + pointerOf(at.path...))
		if err != nil {
			c.add(join([]string{"input"}, at.path...), "the schema can't be used: "+shorten(err.Error()))
			return
		}
		one := &compiled{schema: schema, doc: input.doc}
		path := join([]string{"input"}, join(at.path, "default")...)
		for _, violation := range one.violations(applyDefaults(root, at.schema, copyValue(value))) {
			for _, found := range explain(one, violation, nodeOf(value)) {
				c.add(join(path, found.path...), fmt.Sprintf("the default breaks its own schema: %s", found.message))
			}
		}
	})
}
