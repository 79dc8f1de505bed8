package expr

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// list analyses a literal list.
func (a *analysis) list(list ast.ListExpr) found {
	var items []*Type
	for i, item := range list.Elements() {
		typ := a.value(item)
		for _, optional := range list.OptionalIndices() {
			if int(optional) == i {
				typ = nil
			}
		}
		items = append(items, typ)
	}
	return found{typ: ListOf(joinAll(items), false), schema: true, inside: true}
}

// orValue analyses x.orValue(y): what is missing is y, and what is null stays it.
func (a *analysis) orValue(call ast.CallExpr) found {
	on := a.node(call.Target())
	a.settle(call.Target(), on)
	other := a.value(call.Args()[0])
	if !on.optional {
		if !sure(call.Target()) { // CEL would take the default's type for that of what is there
			a.wrap(call.Args()[0], "dyn")
		}
		return found{}
	}
	return found{typ: join(on.typ, other), schema: true}
}

// or analyses x.or(y) of two optionals, of which CEL may know the type of one alone.
func (a *analysis) or(call ast.CallExpr) found {
	a.value(call.Target())
	a.value(call.Args()[0])
	if !sure(call.Target()) || !sure(call.Args()[0]) {
		a.wrap(call.Target(), "dyn")
		a.wrap(call.Args()[0], "dyn")
	}
	return found{}
}

// sure reports whether CEL knows the type of what an optional has inside. Of most
// it takes the type of what stands beside it, which says nothing of a run's values.
func sure(e ast.Expr) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	call := e.AsCall()
	switch name := call.FunctionName(); {
	case name == operators.Conditional:
		return sure(call.Args()[1]) && sure(call.Args()[2])
	case name == "or" && call.IsMemberFunction() && len(call.Args()) == 1:
		return sure(call.Target()) && sure(call.Args()[0])
	}
	return makesOptional(e)
}

// conditional lets the two branches have different types, which CEL refuses: `input.x > 0 ? input.x : null`.
func (a *analysis) conditional(call ast.CallExpr) found {
	condition := call.Args()[0]
	var yes, no *Type
	a.narrowed(func(name string) bool { return leavesOutNull(condition, name) }, func() { yes = a.value(call.Args()[1]) })
	a.narrowed(func(name string) bool { return comparesNull(condition, operators.Equals, name) }, func() { no = a.value(call.Args()[2]) })
	a.value(condition)
	joined := join(yes, no)
	switch joined.kindOf() {
	case kindBool, kindInt, kindString:
		if !joined.null {
			return found{typ: joined}
		}
	default:
	}
	if makesOptional(call.Args()[1]) || makesOptional(call.Args()[2]) { // as optMap does, for one
		return found{}
	}
	a.wrap(call.Args()[1], "dyn")
	a.wrap(call.Args()[2], "dyn")
	return found{typ: joined, schema: true}
}

// makesOptional reports whether an expression is an optional that is made of a value, or none.
func makesOptional(e ast.Expr) bool {
	return e.Kind() == ast.CallKind && strings.HasPrefix(e.AsCall().FunctionName(), "optional.")
}

// loop analyses a comprehension, which is what the macros (map, filter, all, …) become.
func (a *analysis) loop(c ast.ComprehensionExpr) found {
	over := a.value(c.IterRange())
	a.wrap(c.IterRange(), ordered)
	a.value(c.AccuInit())
	accumulator := local{name: c.AccuVar()}
	outer := len(a.locals)
	a.locals = append(a.locals, accumulator, local{c.IterVar(), over.each()})
	a.value(c.LoopCondition())
	gathered := a.step(c)
	a.locals = append(a.locals[:outer], accumulator)
	a.value(c.Result())
	a.locals = a.locals[:outer]
	if !isIdent(c.Result(), c.AccuVar()) {
		return found{}
	}
	return found{typ: gathered, schema: true, inside: true}
}

// step analyses what a loop does with each item, and returns the type of the
// list that it gathers: of map's results, or of what filter lets through. nil when it gathers none.
func (a *analysis) step(c ast.ComprehensionExpr) *Type {
	step := c.LoopStep()
	if step.Kind() != ast.CallKind || step.AsCall().FunctionName() != operators.Conditional {
		return a.gather(c, step)
	}
	// A macro's own: its branches are alike.
	args := step.AsCall().Args()
	a.chosen[step.ID()] = conditionOf(c)
	var gathered *Type
	a.narrowed(func(name string) bool { return leavesOutNull(args[0], name) }, func() { gathered = a.gather(c, args[1]) })
	a.value(args[0])
	a.value(args[2])
	return gathered
}

// both analyses `a && b`: b is looked at where a is true.
func (a *analysis) both(call ast.CallExpr) found {
	first, second := call.Args()[0], call.Args()[1]
	a.narrowed(func(name string) bool { return leavesOutNull(first, name) }, func() { a.value(second) })
	a.value(first)
	return found{typ: &Type{kind: kindBool}}
}

// narrowed analyses what is evaluated only under a condition that has not been
// analyzed yet: the loop variables of which it excludes null aren't null there.
func (a *analysis) narrowed(excludes func(name string) bool, look func()) {
	outer := len(a.locals)
	for i, l := range a.locals[:outer] {
		hidden := slices.ContainsFunc(a.locals[i+1:outer], func(inner local) bool { return inner.name == l.name })
		if !hidden && l.typ.nullable() && excludes(l.name) {
			a.locals = append(a.locals, local{l.name, l.typ.sure()})
		}
	}
	look()
	a.locals = a.locals[:outer]
}

func comparesNull(e ast.Expr, operator, name string) bool {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operator {
		return false
	}
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	return isIdent(left, name) && isNull(right) || isNull(left) && isIdent(right, name)
}

// leavesOutNull reports whether a filter's condition, not yet analyzed, is true
// of no null: `x != null`, alone or with && beside it.
func leavesOutNull(condition ast.Expr, name string) bool {
	if condition.Kind() == ast.CallKind && condition.AsCall().FunctionName() == operators.LogicalAnd {
		sides := condition.AsCall().Args()
		return leavesOutNull(sides[0], name) || leavesOutNull(sides[1], name)
	}
	return comparesNull(condition, operators.NotEquals, name)
}

func isNull(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue
}

// gather analyses `accumulator + [item]`.
func (a *analysis) gather(c ast.ComprehensionExpr, e ast.Expr) *Type {
	item := last(e)
	if item == nil || !isIdent(e.AsCall().Args()[0], c.AccuVar()) {
		a.value(e)
		return nil
	}
	a.value(e.AsCall().Args()[0])
	return ListOf(a.value(item), false)
}

// last is the item of `list + [item]`, nil when e is nothing like it.
func last(e ast.Expr) ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Add || e.AsCall().Args()[1].Kind() != ast.ListKind {
		return nil
	}
	items := e.AsCall().Args()[1].AsList().Elements()
	if len(items) != 1 {
		return nil
	}
	return items[0]
}

func isIdent(e ast.Expr, name string) bool {
	return e != nil && e.Kind() == ast.IdentKind && e.AsIdent() == name
}

// each is the type of what a loop over t yields: a list's items, an object's keys.
func (t *Type) each() *Type {
	switch t.kindOf() {
	case kindList:
		return t.item
	case kindObject:
		if t.keys {
			return nil
		}
		return String()
	default:
		return nil
	}
}
