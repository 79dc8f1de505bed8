package expr

import (
	"maps"
	"slices"
)

// kind is what the checker knows about a value.
type kind int

const (
	kindAny kind = iota
	kindNull
	kindBool
	kindInt
	kindNumber
	kindString
	kindList
	kindObject
)

// Type is what is known of a value before a run: of a schema by [FromSchema], of
// an expression's result by [Expression.Type]. A nil *Type is a value of any type.
type Type struct {
	kind kind
	item *Type            // of a list
	prop map[string]*Type // of an object
	rest *Type            // of the properties that an open object doesn't declare
	open bool             // an object may have more properties than prop
	keys bool             // an object whose keys may be no strings, which JSON's are
	null bool             // the value may be null: what it has is known, whether it is there isn't
	only []string         // a text is one of these; nil: any
}

// Int is the type of an integer.
func Int() *Type { return &Type{kind: kindInt} }

// String is the type of a text.
func String() *Type { return &Type{kind: kindString} }

// ListOf is the type of a list of some elements, each of which may be null when nullable.
func ListOf(element *Type, nullable bool) *Type {
	if nullable {
		element = element.orNull()
	}
	return &Type{kind: kindList, item: element}
}

// Element is the type of a list's items; nil, any, when t isn't known to be a list.
func (t *Type) Element() *Type {
	if !t.is(kindList) {
		return nil
	}
	return t.item
}

// orNull is t that may be null too.
func (t *Type) orNull() *Type {
	nullable := Type{kind: kindAny}
	if t != nil {
		nullable = *t
	}
	nullable.null = true
	return &nullable
}

// sure is t that can't be null.
func (t *Type) sure() *Type {
	if t == nil || !t.null {
		return t
	}
	there := *t
	there.null = false
	return &there
}

// nullable reports whether a value of the type may be null, as far as is known.
func (t *Type) nullable() bool { return t != nil && t.null }

func (t *Type) is(k kind) bool { return t != nil && t.kind == k }

// kindOf is t's kind; kindAny for nil.
func (t *Type) kindOf() kind {
	if t == nil {
		return kindAny
	}
	return t.kind
}

// field is the type of an object's property; found is false when the object can't have it.
func (t *Type) field(name string) (typ *Type, found bool) {
	if !t.is(kindObject) {
		return nil, true
	}
	if p, ok := t.prop[name]; ok {
		return p, true
	}
	return t.rest, t.open
}

// names are the declared properties, sorted.
func (t *Type) names() []string { return slices.Sorted(maps.Keys(t.prop)) }

// wrapper is the name of the CEL function that tells the checker a value of
// this type; "" when there is nothing to tell.
func (t *Type) wrapper() string {
	if t == nil || t.null || t.keys {
		return ""
	}
	switch t.kind {
	case kindBool:
		return "@bool"
	case kindInt:
		return "@int"
	case kindNumber:
		return "@number"
	case kindString:
		return "@string"
	case kindList:
		return "@list"
	case kindObject:
		return "@object"
	case kindAny, kindNull:
	}
	return ""
}

// noun is how a message names a value of this type.
func (t *Type) noun() string {
	switch t.kindOf() {
	case kindBool:
		return "a boolean"
	case kindInt:
		return "an integer"
	case kindNumber:
		return "a number"
	case kindString:
		return "a string"
	case kindList:
		return "a list"
	case kindObject:
		return "an object"
	case kindNull:
		return "null"
	case kindAny:
	}
	return "a value"
}

func closed(prop map[string]*Type) *Type { return &Type{kind: kindObject, prop: prop} }
