package expr

import (
	"maps"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// fromCEL is what CEL's checker knows of a result, once it is JSON: timestamps,
// durations and bytes are strings there. Nil is any.
func fromCEL(t *cel.Type) *Type {
	switch t.Kind() {
	case types.NullTypeKind:
		return &Type{kind: kindNull}
	case types.BoolKind:
		return &Type{kind: kindBool}
	case types.IntKind:
		return Int()
	case types.DoubleKind, types.UintKind:
		return &Type{kind: kindNumber}
	case types.StringKind, types.BytesKind, types.TimestampKind, types.DurationKind:
		return String()
	case types.ListKind:
		return ListOf(memberFromCEL(t.Parameters()[0]), false)
	case types.MapKind:
		return &Type{kind: kindObject, open: true, rest: memberFromCEL(t.Parameters()[1])}
	default:
		return nil
	}
}

// memberFromCEL is what is known of what a list or a map holds: CEL takes null for
// an optional too, so that what begins with null may go on with anything.
func memberFromCEL(t *cel.Type) *Type {
	if t.Kind() == types.NullTypeKind {
		return nil
	}
	return fromCEL(t)
}

// refine is what two sources tell of one value: analysis knows schemas, CEL its
// functions and operators.
func refine(analyzed, checked *Type) *Type {
	switch {
	case analyzed.kindOf() == kindAny && !analyzed.nullable():
		return checked
	case checked == nil || analyzed.kindOf() != checked.kindOf():
		return analyzed
	case analyzed.is(kindList) && analyzed.item == nil:
		return &Type{kind: kindList, item: checked.item, null: analyzed.null}
	case analyzed.is(kindObject) && len(analyzed.prop) == 0 && analyzed.rest == nil && analyzed.open:
		return &Type{kind: kindObject, open: true, rest: checked.rest, null: analyzed.null}
	}
	return analyzed
}

// join is the type of a value that is of one type or the other.
func join(a, b *Type) *Type {
	const deepest = 20 // of lists in lists, which may have themselves inside
	return joinTo(a, b, deepest)
}

func joinTo(a, b *Type, depth int) *Type {
	switch {
	case a == nil || b == nil || depth == 0:
		return nil
	case a == b:
		return a
	case a.is(kindNull) && b.is(kindNull):
		return a
	case a.is(kindNull):
		return b.orNull()
	case b.is(kindNull):
		return a.orNull()
	}
	joined := &Type{kind: a.kind, null: a.null || b.null}
	switch {
	case a.kind == kindInt && b.kind == kindNumber:
		joined.kind = kindNumber
	case a.kind == kindNumber && b.kind == kindInt:
	case a.kind != b.kind:
		joined.kind = kindAny
	case a.kind == kindList:
		joined.item = joinTo(a.item, b.item, depth-1)
	case a.kind == kindObject:
		return joinObjects(a, b)
	}
	if joined.kind == kindAny && !joined.null {
		return nil
	}
	return joined
}

// joinObjects is an object that is of one type or the other: a property that
// only one of them has may be there.
func joinObjects(a, b *Type) *Type {
	if maps.EqualFunc(a.prop, b.prop, func(x, y *Type) bool { return x == y }) && a.rest == b.rest {
		joined := *a
		joined.open, joined.null, joined.keys = a.open || b.open, a.null || b.null, a.keys || b.keys
		return &joined
	}
	return &Type{kind: kindObject, open: true, null: a.null || b.null, keys: a.keys || b.keys}
}

// joinAll is the type of a value that is of one of some types; nil of none.
func joinAll(all []*Type) *Type {
	if len(all) == 0 {
		return nil
	}
	joined := all[0]
	for _, t := range all[1:] {
		joined = join(joined, t)
	}
	return joined
}
