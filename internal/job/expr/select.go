package expr

import (
	"cmp"
	"maps"
	"slices"
	"strings"

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
	if root := a.named(on); root != "" {
		next.typ = a.member(e, root, name)
		return next
	}
	if !careful && a.mayBeNull(e, on, name) {
		return next
	}
	typ, has := on.typ.field(name)
	switch kind := on.typ.kindOf(); {
	case kind == kindObject && !has && slices.Equal(on.path, Ref{rootRun}) && (name == "outcome" || name == "error"):
		a.report(e, a.nameAt(e, name), "`run.%s` exists only in `finally`: before, the run's outcome isn't known", name)
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

// named is the variable that a node is, when its members can only be named one
// by one; "" for anything else.
func (a *analysis) named(f found) string {
	if len(f.path) != 1 || a.env.any {
		return ""
	}
	switch root := f.path[0]; root {
	case rootSteps:
		if a.env.steps == nil {
			return ""
		}
		return root
	case rootVars, rootCallbacks:
		if _, visible := a.env.roots[root]; visible {
			return root
		}
	}
	return ""
}

// member is the type of a named member of steps, vars or callbacks.
func (a *analysis) member(e ast.Expr, root, name string) *Type {
	switch root {
	case rootVars:
		if a.env.vars != nil && !slices.Contains(a.env.vars, name) {
			a.report(e, a.nameAt(e, name), "the team has no variable `%s`%s; it has %s; create it with PUT /v1/teams/{team}/variables/%s, or `fairlead vars set %s VALUE`",
				name, suggest(name, a.env.vars), enumerate(slices.Sorted(slices.Values(a.env.vars))), name, name)
		}
		return nil
	case rootCallbacks:
		if !slices.Contains(a.env.callbacks, name) {
			a.report(e, a.nameAt(e, name), "there is no callback `%s` here%s; it is named after a step with `wait: {callback: …}` that stands beside this one and not before it; here there is %s",
				name, suggest(name, a.env.callbacks), enumerate(slices.Sorted(slices.Values(a.env.callbacks))))
		}
		return String()
	}
	step, ok := a.env.steps[name]
	if !ok {
		a.unknownStep(e, name)
		return nil
	}
	return step.typ()
}

// subject is how a message names what something is selected from.
func subject(f found) string {
	if f.path != nil {
		return "`" + f.path.String() + "`"
	}
	return "the value"
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
	if reason, ok := a.env.apart[id]; ok {
		a.report(e, at, "%s", reason)
		return
	}
	visible := a.env.visibleSteps()
	all := slices.Concat(visible, a.env.others, slices.Collect(maps.Keys(a.env.apart)))
	a.report(e, at, "there is no step `%s`%s; visible here: %s", id, suggest(id, all), enumerate(visible))
}

// mayBeNull refuses a plain selection from a value that may be null, and reports
// whether it did. From an optional it is allowed: CEL takes null for a missing value there.
func (a *analysis) mayBeNull(e ast.Expr, on found, name string) bool {
	if on.optional || !on.typ.nullable() {
		return false
	}
	at := a.nameAt(e, name)
	careful := carefully(on.path, name)
	switch path := on.path; {
	case len(path) == 3 && path[0] == rootSteps && path[2] == "output":
		because := cmp.Or(a.env.steps[path[1]].Because, "may be skipped")
		a.report(e, at, "step `%s` %s, and its output is null then: write `%s` with the value to take instead", path[1], because, careful)
	case slices.Equal(path, Ref{rootRun, "error"}), len(path) == 3 && path[0] == rootSteps && path[2] == "error":
		a.report(e, at, "`%s` is null unless the %s failed: write `%s` with the value to take instead", path, strings.TrimSuffix(path[0], "s"), careful)
	default:
		a.report(e, at, "%s may be null, and nothing can be selected from null: write `%s` with the value to take instead", subject(on), careful)
	}
	return true
}

// alwaysThere refuses an optional selection that can't be what its author means:
// a step's output and an error are there even when they are null, and
// .orValue(…) replaces only what isn't there.
func (a *analysis) alwaysThere(e ast.Expr, f found) {
	const fields = 3
	step := len(f.path) == fields && f.path[0] == rootSteps
	if (step || slices.Equal(f.path, Ref{rootRun, "error"})) && f.typ.nullable() {
		a.report(e, a.at(e), "`%[1]s` is there even when it is null, so that a default never takes its place: write `%[1]s == null ? … : %[1]s`, or `optional.ofNonZeroValue(%[1]s).orValue(…)`", f.path)
	}
}

// carefully is the selection of a name that takes null for a missing value. Of a
// path that isn't known it is the end.
func carefully(path Ref, name string) string {
	var text strings.Builder
	for i, member := range append(slices.Clone(path), name) {
		switch {
		case i == 0 && path != nil:
			text.WriteString(member)
		case !identifier.MatchString(member):
			text.WriteString("[?…]")
		case i == 1 && path[0] == rootSteps:
			text.WriteString("." + member)
		default:
			text.WriteString(".?" + member)
		}
	}
	return text.String() + ".orValue(…)"
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
	at := a.value(call.Args()[1])
	if on.typ.is(kindObject) && !on.typ.keys && (at.is(kindInt) || at.is(kindNumber)) {
		a.report(e, a.at(call.Args()[1]), "%s is an object, and no list: its fields are selected by name; it has %s", subject(on), enumerate(on.typ.names()))
	}
	next := found{optional: on.optional || careful, schema: on.schema}
	if !careful && a.mayBeNull(e, on, "[]") {
		return next
	}
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
