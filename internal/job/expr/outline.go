package expr

// JSONType is the JSON Schema type that every value of t has, "" when they may
// have several, or when none is known. A type that may be null has none.
func (t *Type) JSONType() string {
	if t.nullable() {
		return ""
	}
	switch t.kindOf() {
	case kindNull:
		return "null"
	case kindBool:
		return "boolean"
	case kindInt:
		return "integer"
	case kindNumber:
		return "number"
	case kindString:
		return "string"
	case kindList:
		return "array"
	case kindObject:
		return "object"
	case kindAny:
	}
	return ""
}

// Property is the type of an object's property; nil, any, when t isn't known to have it.
func (t *Type) Property(name string) *Type {
	typ, _ := t.field(name)
	return typ
}
