package job

import (
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// unknownKeys explains keys that a map doesn't have.
func unknownKeys(path, unknown, known []string, language bool) []finding {
	slices.Sort(unknown)
	unknown = unknown[:min(len(unknown), maxProblems+1)]
	allowed := "no keys are allowed here"
	if len(known) > 0 {
		allowed = "allowed are " + strings.Join(known, ", ")
	}
	findings := make([]finding, len(unknown))
	for i, key := range unknown {
		findings[i] = finding{path: join(path, key), key: true, unnamed: "an unknown key; " + allowed}
		hint := ""
		if language {
			hint = hintOf(path, key)
		}
		switch near := expr.Nearest(key, known); {
		case hint != "":
			findings[i].message = hint
		case near != "":
			findings[i].message = "unknown key `" + shorten(key) + "`; did you mean `" + near + "`?"
		default:
			findings[i].message = "unknown key `" + shorten(key) + "`; " + allowed
		}
	}
	return findings
}

// missingKeys are the keys of a map that are missing, without those that
// another key is meant to be: that key is told already.
func missingKeys(in *compiled, path []string, found *node, missing, known []string) []string {
	return slices.DeleteFunc(slices.Clone(missing), func(key string) bool {
		return slices.ContainsFunc(found.fields, func(f field) bool {
			return !slices.Contains(known, f.key) && (expr.Nearest(f.key, known) == key || (in.language && otherWord(path, f.key) == key))
		})
	})
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

// closedKey explains a key that the closing of its object refuses (see closeObjects).
func closedKey(in *compiled, violation *jsonschema.ValidationError, path []string) []finding {
	if len(path) == 0 {
		return []finding{{path: path, message: "no value is allowed here"}}
	}
	root, _ := in.doc.(map[string]any)
	parent := in.at(violation.SchemaURL[:max(0, strings.LastIndex(violation.SchemaURL, "/"))])
	known := slices.Compact(slices.Sorted(slices.Values(declaredNames(root, parent, nil))))
	return unknownKeys(path[:len(path)-1], []string{path[len(path)-1]}, known, false)
}
