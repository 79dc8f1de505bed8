package job

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// finding is a violation of a schema in an author's words.
type finding struct {
	path    []string
	key     bool // the key is at fault, not its value
	message string
	// unnamed is the message of a key at fault without the key.
	unnamed string
}

// conceal takes the key at fault out of a finding. Those of the whole value stay:
// they are the arguments' names, which are written in the file.
func (f finding) conceal() finding {
	if f.key && len(f.path) > 1 {
		f.path, f.message = f.path[:len(f.path)-1], f.unnamed
	}
	return f
}

// leaves returns the errors below a validation error that say something by
// themselves. Of alternatives (anyOf, oneOf) that all failed it is the
// alternative as a whole.
func leaves(err *jsonschema.ValidationError, into []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch err.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range err.Causes {
			into = leaves(cause, into)
		}
		return into
	}
	return append(into, err)
}

// explain says what was found, what is allowed, and the way out.
func explain(in *compiled, violation *jsonschema.ValidationError, root *node) []finding {
	path := violation.InstanceLocation
	found, _ := root.find(path)
	here := func(format string, args ...any) []finding {
		return []finding{{path: path, message: fmt.Sprintf(format, args...)}}
	}
	declared := in.at(violation.SchemaURL)
	switch k := violation.ErrorKind.(type) {
	case *kind.Required:
		missing := required(path, found, k.Missing)
		if len(missing) == 0 {
			return nil
		}
		return here("%s missing; add %s", keyList(missing), addition(declared, missing))
	case *kind.AdditionalProperties:
		return unknownKeys(path, k.Properties, propertyNames(declared))
	case *kind.FalseSchema:
		return closedKey(in, violation, path)
	case *kind.PropertyNames:
		return propertyName(in, violation, keyPlace(root, len(path), k.Property), k.Property)
	case *kind.Type:
		return here("%s is not allowed here; %s", found.describe(), told(declared, "write "+typeNames(k.Want)))
	case *kind.Enum:
		if found.kind == kindString && unsupportedValue(path, found.text) {
			return here("`%s` is not supported by this build; write %s", found.text, choices(enumNames(k.Want)))
		}
		return here("%s", enumMessage(found, k.Want))
	case *kind.Const:
		return here("%s", enumMessage(found, []any{k.Want}))
	case *kind.Pattern:
		return here("%s is not allowed here; %s", found.describe(), told(declared, "it doesn't match the pattern "+k.Want))
	case *kind.UniqueItems:
		return here("items %d and %d of the list are the same; keep one", k.Duplicates[0]+1, k.Duplicates[1]+1)
	}
	return here("%s", bounds(violation.ErrorKind, found))
}

// bounds explains the keywords that set a bound or a form.
func bounds(violation jsonschema.ErrorKind, found *node) string {
	what := found.describe()
	switch k := violation.(type) {
	case *kind.Format:
		return fmt.Sprintf("%s is not of the format %s%s", what, k.Want, formatExample(k.Want))
	case *kind.Minimum:
		return fmt.Sprintf("%s is too small; the least is %s", what, k.Want.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("%s is too large; the most is %s", what, k.Want.RatString())
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s is too small; it must be more than %s", what, k.Want.RatString())
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("%s is too large; it must be less than %s", what, k.Want.RatString())
	case *kind.MinLength:
		return fmt.Sprintf("%s has %d characters; the least is %d", what, k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("the text has %d characters; the most is %d", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("the list has %d items; the least is %d", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("the list has %d items; the most is %d", k.Got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("the map has %d keys; the least is %d", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("the map has %d keys; the most is %d", k.Got, k.Want)
	case *kind.AnyOf, *kind.OneOf:
		return what + " is none of the alternatives that the schema allows"
	case *kind.Not:
		return what + " is what the schema forbids with `not`"
	}
	if found.concealed {
		return what + " is not allowed here" // the validator's own words quote it
	}
	return what + ": " + violation.LocalizedString(message.NewPrinter(language.English))
}

// at returns the schema object at an absolute location; an empty map where there is none.
func (c *compiled) at(location string) map[string]any {
	_, fragment, _ := strings.Cut(location, "#")
	object, _ := expr.Resolve(c.doc, "#"+fragment).(map[string]any)
	return object
}

// unknownKeys explains keys that a map doesn't have.
func unknownKeys(path, unknown, known []string) []finding {
	slices.Sort(unknown)
	unknown = unknown[:min(len(unknown), maxProblems+1)]
	allowed := "no keys are allowed here"
	if len(known) > 0 {
		allowed = "allowed are " + strings.Join(known, ", ")
	}
	findings := make([]finding, len(unknown))
	for i, key := range unknown {
		findings[i] = finding{path: join(path, key), key: true, unnamed: "an unknown key; " + allowed}
		switch near := expr.Nearest(key, known); {
		case unsupported(path, key):
			findings[i].message = "`" + key + "` is not supported by this build; remove it"
		case near != "":
			findings[i].message = "unknown key `" + shorten(key) + "`; did you mean `" + near + "`?"
		default:
			findings[i].message = "unknown key `" + shorten(key) + "`; " + allowed
		}
	}
	return findings
}

// propertyName explains a key that breaks its map's propertyNames.
func propertyName(in *compiled, violation *jsonschema.ValidationError, path []string, key string) []finding {
	text := "it is not allowed as a key here"
	for _, cause := range violation.Causes {
		for _, leaf := range leaves(cause, nil) {
			text = told(in.at(leaf.SchemaURL), text)
		}
	}
	return []finding{{path: join(path, key), key: true, message: "the key " + quote(key) + ": " + text, unnamed: "a key: " + text}}
}

// enumMessage explains a value that isn't among those allowed.
func enumMessage(found *node, want []any) string {
	names := enumNames(want)
	text := fmt.Sprintf("%s is not allowed here; write %s", found.describe(), choices(names))
	if found.kind != kindString || found.concealed {
		return text
	}
	if near := expr.Nearest(found.text, names); near != "" && len(names) > 1 {
		return fmt.Sprintf("%s is not allowed here; did you mean `%s`? Allowed are %s", found.describe(), near, choices(names))
	}
	return text
}

// enumNames are the allowed values in a message.
func enumNames(want []any) []string {
	names := make([]string, len(want))
	for i, w := range want {
		names[i] = fmt.Sprint(w)
	}
	return names
}

// told is what a schema itself says about a value that breaks it (its
// errorMessage, which editors show as well), else otherwise.
func told(declared map[string]any, otherwise string) string {
	if text, ok := declared["errorMessage"].(string); ok {
		return text
	}
	return otherwise
}

// keyPlace finds the first map at a depth that has a key. The validator's own
// place of a propertyNames error can't be used: it shares memory with later ones.
func keyPlace(n *node, depth int, key string) []string {
	if depth == 0 {
		if n.field(key) != nil {
			return []string{}
		}
		return nil
	}
	for i, item := range n.items {
		if rest := keyPlace(item, depth-1, key); rest != nil {
			return join([]string{strconv.Itoa(i)}, rest...)
		}
	}
	for _, f := range n.fields {
		if rest := keyPlace(f.value, depth-1, key); rest != nil {
			return join([]string{f.key}, rest...)
		}
	}
	return nil
}

// addition shows how missing keys are written.
func addition(declared map[string]any, missing []string) string {
	properties, _ := declared["properties"].(map[string]any)
	parts := make([]string, len(missing))
	for i, key := range missing {
		parts[i] = "`" + key + ": …`"
		property, _ := properties[key].(map[string]any)
		if options, ok := property["enum"].([]any); ok && len(options) == 1 {
			parts[i] = fmt.Sprintf("`%s: %v`", key, options[0])
		}
	}
	return strings.Join(parts, " and ")
}

// keyList is the subject of a message about missing keys.
func keyList(keys []string) string {
	if len(keys) == 1 {
		return "`" + keys[0] + "` is"
	}
	return strings.ReplaceAll(choices(keys), " or ", " and ") + " are"
}

// propertyNames lists the keys that a schema object declares, in order of name.
func propertyNames(declared map[string]any) []string {
	properties, _ := declared["properties"].(map[string]any)
	return keysOf(properties)
}

// typeNames says JSON types as an author would.
func typeNames(types []string) string {
	words := map[string]string{
		"object": "a map", "array": "a list", "string": "text (quote it)", "boolean": "true or false",
		"integer": "a whole number", "number": "a number", "null": "null",
	}
	names := make([]string, len(types))
	for i, name := range types {
		names[i] = words[name]
	}
	return strings.Join(names, " or ")
}

// formatExample is ", such as …" for the formats that people get wrong.
func formatExample(format string) string {
	examples := map[string]string{
		"date-time": "2026-01-05T00:00:00Z", "date": "2026-01-05", "time": "06:30:00Z", "duration": "PT15M",
		"email": "ana@example.com", "uri": "https://example.com/a", "uuid": "0190a5c8-0000-7000-8000-000000000000",
	}
	if example, ok := examples[format]; ok {
		return ", such as " + example
	}
	return ""
}

// closedKey explains a key that the closing of its object refuses (see closeObjects).
func closedKey(in *compiled, violation *jsonschema.ValidationError, path []string) []finding {
	if len(path) == 0 {
		return []finding{{path: path, message: "no value is allowed here"}}
	}
	root, _ := in.doc.(map[string]any)
	parent := in.at(violation.SchemaURL[:max(0, strings.LastIndex(violation.SchemaURL, "/"))])
	known := slices.Compact(slices.Sorted(slices.Values(declaredNames(root, parent, nil))))
	return unknownKeys(path[:len(path)-1], []string{path[len(path)-1]}, known)
}

// required are the missing keys worth a word: a step that is refused for what
// it does instead of calling an action isn't told to call one.
func required(path []string, found *node, missing []string) []string {
	if len(path) != 2 || path[0] != "steps" {
		return missing
	}
	for _, other := range []string{"wait", "approval", "steps"} {
		if found.field(other) != nil {
			return slices.DeleteFunc(slices.Clone(missing), func(key string) bool { return key == "uses" })
		}
	}
	return missing
}
