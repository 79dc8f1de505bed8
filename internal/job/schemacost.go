package job

import (
	"reflect"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// tangled returns the first schema that checks one value with more than
// [maxEvaluations] others or comes back to itself, and whether there is one: two
// references beside each other, each to two more, double the work with every line.
func tangled(root map[string]any) (first place, found bool) {
	counted := evaluations{root: root, known: map[uintptr]int{}}
	walkSchema(place{schema: root, value: true}, func(at place) {
		if !found && counted.of(at.schema) > maxEvaluations {
			first, found = at, true
		}
	})
	return first, found
}

// evaluations counts the schemas that are evaluated for one value.
type evaluations struct {
	root  map[string]any
	known map[uintptr]int
}

// of counts a schema and all those of the same value below it, up to more than maxEvaluations.
func (e evaluations) of(schema map[string]any) int {
	identity := reflect.ValueOf(schema).Pointer()
	if count, ok := e.known[identity]; ok {
		return count
	}
	e.known[identity] = maxEvaluations + 1 // a circle has no end
	count := 1
	add := func(child any) {
		if object, ok := child.(map[string]any); ok && count <= maxEvaluations {
			count += e.of(object)
		}
	}
	for key, word := range keywords {
		if !word.inPlace {
			continue
		}
		switch held := schema[key].(type) {
		case []any:
			for _, child := range held {
				add(child)
			}
		case map[string]any:
			if word.holds == holdsOne {
				add(held)
				continue
			}
			for _, child := range held {
				add(child)
			}
		}
	}
	if ref, ok := schema["$ref"].(string); ok {
		add(expr.Resolve(e.root, ref))
	}
	e.known[identity] = count
	return count
}
