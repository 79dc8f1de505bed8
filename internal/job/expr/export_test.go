package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Functions are the names of the functions that there are.
func Functions() ([]string, error) {
	lib, err := catalog()
	return lib.names, err
}

// Misnomers are the names of functions that are written in another way.
func Misnomers() []string {
	return slices.Concat(slices.Collect(maps.Keys(shapes)), slices.Collect(maps.Keys(otherFunctions)))
}

// Operators are the signs of the operators that there are.
func Operators() []string { return slices.Sorted(maps.Values(symbols)) }

// Describe is all that is known of a type: "[{a: int?, …}]".
func (t *Type) Describe() string {
	if t.nullable() {
		return t.sure().Describe() + "?"
	}
	switch t.kindOf() {
	case kindNull:
		return "null"
	case kindBool:
		return "bool"
	case kindInt:
		return "int"
	case kindNumber:
		return "number"
	case kindString:
		return "string"
	case kindList:
		return "[" + t.item.Describe() + "]"
	case kindObject:
		var parts []string
		for _, name := range t.names() {
			parts = append(parts, fmt.Sprintf("%s: %s", name, t.prop[name].Describe()))
		}
		if t.open {
			parts = append(parts, "…"+strings.TrimPrefix(t.rest.Describe(), "any"))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case kindAny:
	}
	return "any"
}

// Holds reports whether a value in the model of [Decode] is of a type.
func (t *Type) Holds(value any) bool {
	if value == nil {
		return t.kindOf() == kindNull || t.kindOf() == kindAny || t.null
	}
	switch v := value.(type) {
	case bool:
		return t.kindOf() == kindBool || t.kindOf() == kindAny
	case int64:
		return t.kindOf() == kindInt || t.kindOf() == kindNumber || t.kindOf() == kindAny
	case float64:
		return t.kindOf() == kindNumber || t.kindOf() == kindAny
	case string:
		return t.kindOf() == kindString || t.kindOf() == kindAny
	case []any:
		return t.kindOf() == kindAny || t.is(kindList) && !slices.ContainsFunc(v, func(item any) bool { return !t.item.Holds(item) })
	case map[string]any:
		for name, member := range v {
			if typ, known := t.field(name); !known || !typ.Holds(member) {
				return false
			}
		}
		return t.kindOf() == kindAny || t.is(kindObject)
	}
	return false
}
