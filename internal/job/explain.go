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
		missing := missingKeys(in, path, found, k.Missing, propertyNames(declared))
		if len(missing) == 0 {
			return nil
		}
		return here("%s missing; add %s", keyList(missing), addition(declared, missing))
	case *kind.AdditionalProperties:
		return unknownKeys(path, k.Properties, propertyNames(declared), in.language)
	case *kind.FalseSchema:
		return closedKey(in, violation, path)
	case *kind.PropertyNames:
		return propertyName(in, violation, keyPlace(root, len(path), k.Property), k.Property)
	case *kind.Type:
		return here("%s is not allowed here; %s", found.describe(), told(declared, "write "+typeNames(k.Want))+unquoted(found, k.Want))
	case *kind.Enum:
		if in.language && found.kind == kindString && unsupportedValue(path, found.text) {
			return here("`%s` is not supported by this build; write %s", found.text, choices(enumNames(k.Want)))
		}
		return here("%s", enumMessage(found, k.Want))
	case *kind.Const:
		return here("%s", enumMessage(found, []any{k.Want}))
	case *kind.Pattern:
		return here("%s is not allowed here; %s", found.describe(), told(declared, "it doesn't match the pattern "+k.Want))
	case *kind.UniqueItems:
		return here("items %d and %d (from 0) of the list are the same; keep one", k.Duplicates[0], k.Duplicates[1])
	case *kind.MinProperties, *kind.MaxProperties:
		return here("%s", told(declared, bounds(k, found)))
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
		if k.Got == 0 {
			return "the text is empty; it needs at least " + count(k.Want, "character")
		}
		return fmt.Sprintf("%s has %s; the least is %d", what, count(k.Got, "character"), k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("the text has %d characters; the most is %d", k.Got, k.Want)
	case *kind.MinItems:
		if k.Got == 0 {
			return "the list is empty; it needs at least " + count(k.Want, "item")
		}
		return fmt.Sprintf("the list has %s; the least is %d", count(k.Got, "item"), k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("the list has %d items; the most is %d", k.Got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("the map has %s; the least is %d", count(k.Got, "key"), k.Want)
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

// count is a number of things.
func count(number int, noun string) string {
	if number != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", number, noun)
}

// unquoted is a hint for a text such as group:finance, which YAML reads as a map where it isn't quoted.
func unquoted(found *node, want []string) string {
	if !slices.Contains(want, "string") || found.concealed || found.kind != kindMap || len(found.fields) != 1 || found.fields[0].value.kind != kindString {
		return ""
	}
	return "; YAML reads this as a map, in quotes it is the text \"" + shorten(found.fields[0].key+":"+found.fields[0].value.text) + "\""
}

// at returns the schema object at an absolute location; an empty map where there is none.
func (c *compiled) at(location string) map[string]any {
	_, fragment, _ := strings.Cut(location, "#")
	object, _ := expr.Resolve(c.doc, "#"+fragment).(map[string]any)
	return object
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
