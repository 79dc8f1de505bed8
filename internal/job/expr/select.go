package expr

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// field analyses the selection of a name from what was found. careful says that
// a missing value is allowed for: has(x.y), x.?y.
func (a *analysis) field(e ast.Expr, on found, name string, careful bool) found {
	next := found{optional: on.optional, schema: on.schema}
	if on.path != nil {
		next.path = append(slices.Clone(on.path), name)
	}
	if !careful {
		a.mayBeNull(e, on, name)
	}
	if a.isSteps(on) {
		step, ok := a.env.steps[name]
		if !ok {
			a.unknownStep(e, name)
			return next
		}
		next.typ = step.typ()
		return next
	}
	typ, has := on.typ.field(name)
	switch kind := on.typ.kindOf(); {
	case kind == kindObject && !has:
		a.report(e, a.nameAt(e, name), "%s has no `%s`%s; it has %s", subject(on), name, suggest(name, on.typ.names()), enumerate(on.typ.names()))
	case kind == kindList:
		a.report(e, a.nameAt(e, name), "%s is a list, which has no `%s`: select from one item, [0].%s, or from all of them, .map(i, i.%s)", subject(on), name, name, name)
	case kind != kindObject && kind != kindAny:
		a.report(e, a.nameAt(e, name), "%s is %s, which has no fields: `%s` can't be selected from it", subject(on), on.typ.noun(), name)
	}
	next.typ = typ
	return next
}

// subject is how a message names what something is selected from.
func subject(f found) string {
	if f.path != nil {
		return "`" + f.path.String() + "`"
	}
	return "the value"
}

func (a *analysis) isSteps(f found) bool {
	return a.env.steps != nil && len(f.path) == 1 && f.path[0] == rootSteps
}

// nameAt is the place of a selected name: CEL has the place of the dot.
func (a *analysis) nameAt(e ast.Expr, name string) int {
	from, want := a.at(e), []rune(name)
	for i := from; i+len(want) <= len(a.source); i++ {
		if slices.Equal(a.source[i:i+len(want)], want) {
			return i
		}
	}
	return from
}

func (a *analysis) unknownStep(e ast.Expr, id string) {
	at := a.nameAt(e, id)
	if slices.Contains(a.env.others, id) {
		a.report(e, at, "step `%s` isn't an ancestor of this one, so its result may not be there yet: add `needs: [%s]`", id, id)
		return
	}
	visible := a.env.visibleSteps()
	all := slices.Concat(visible, slices.Sorted(slices.Values(a.env.others)))
	a.report(e, at, "there is no step `%s`%s; visible here: %s", id, suggest(id, all), enumerate(visible))
}

// mayBeNull refuses a plain selection into a step's output or error that may be
// null. After .?output or .?error, CEL takes null for a missing value.
func (a *analysis) mayBeNull(e ast.Expr, on found, name string) {
	if a.env.steps == nil || on.optional || len(on.path) != len([...]string{rootSteps, "id", "part"}) || on.path[0] != rootSteps {
		return
	}
	id, part := on.path[1], on.path[2]
	switch step := a.env.steps[id]; {
	case part == "output" && step.Skippable:
		a.report(e, a.nameAt(e, name), "step `%s` may be skipped, and its output is null then: write `steps.%s.?output.?%s.orValue(…)` with the value to take instead", id, id, name)
	case part == "error":
		a.report(e, a.nameAt(e, name), "`steps.%s.error` is null unless the step failed: write `steps.%s.?error.?%s.orValue(…)` with the value to take instead", id, id, name)
	}
}

// index analyses x[key] and x[?key]. A literal string is the same as a selection.
func (a *analysis) index(e ast.Expr) found {
	call := e.AsCall()
	careful := call.FunctionName() == operators.OptIndex
	on := a.node(call.Args()[0])
	if name, ok := text(call.Args()[1]); ok && (on.path != nil || on.schema) && !on.typ.is(kindList) {
		f := a.field(e, on, name, careful)
		f.optional = on.optional || careful
		return f
	}
	a.use(call.Args()[0], on)
	a.value(call.Args()[1])
	if on.path != nil && !careful {
		a.mayBeNull(e, on, "…")
	}
	next := found{optional: on.optional || careful, schema: on.schema}
	switch on.typ.kindOf() {
	case kindList:
		next.typ = on.typ.item
	case kindObject:
		if len(on.typ.prop) == 0 {
			next.typ = on.typ.rest
		}
	case kindAny:
	default:
		a.report(e, a.at(e), "%s is %s, which has no items: it can't be indexed", subject(on), on.typ.noun())
	}
	return next
}
