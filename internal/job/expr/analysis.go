package expr

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// analysis walks a parsed expression before CEL checks it. It resolves the
// variables against an Env, records what is selected from them, refuses what
// the types don't have, and rewrites the tree: variables become selections from
// the scope, loops get an order, and where a type is known a wrapper tells it
// to CEL's checker.
type analysis struct {
	env      *Env
	source   []rune
	info     *ast.SourceInfo
	factory  ast.ExprFactory
	lastID   int64
	library  library
	locals   []local
	refs     []Ref
	problems []problem
	reported map[int64]bool      // nodes whose fault is told already
	chosen   map[int64]condition // of loops, by what chooses
}

// local is a variable of a loop.
type local struct {
	name string
	typ  *Type
}

// problem is a Problem before its place in the template is known: offset is in
// runes of the expression.
type problem struct {
	offset  int
	message string
}

// found is what is known of a node.
type found struct {
	typ      *Type
	path     Ref  // the static path it selects, nil when it isn't one
	optional bool // it is CEL's optional of typ
	schema   bool // typ comes from a schema, so that CEL doesn't know it
	inside   bool // CEL knows its kind, and not the types of its parts
}

func newAnalysis(env *Env, source string, tree *ast.AST, functions library) *analysis {
	return &analysis{
		env: env, source: []rune(source), info: tree.SourceInfo(), factory: ast.NewExprFactory(),
		lastID: ast.MaxID(tree), library: functions, reported: map[int64]bool{}, chosen: map[int64]condition{},
	}
}

func (a *analysis) at(e ast.Expr) int {
	if r, ok := a.info.GetOffsetRange(e.ID()); ok {
		return int(r.Start)
	}
	return 0
}

func (a *analysis) report(e ast.Expr, offset int, format string, args ...any) {
	a.reported[e.ID()] = true
	a.problems = append(a.problems, problem{offset: offset, message: fmt.Sprintf(format, args...)})
}

// newNode is an empty node at the place of e.
func (a *analysis) newNode(e ast.Expr) ast.Expr {
	a.lastID++
	if r, ok := a.info.GetOffsetRange(e.ID()); ok {
		a.info.SetOffsetRange(a.lastID, r)
	}
	return a.factory.NewUnspecifiedExpr(a.lastID)
}

// wrap puts a call of a function around e.
func (a *analysis) wrap(e ast.Expr, function string) {
	inner := a.newNode(e)
	inner.SetKindCase(e)
	e.SetKindCase(a.factory.NewCall(e.ID(), function, inner))
}

// value analyses a node whose value is used, and returns its type.
func (a *analysis) value(e ast.Expr) *Type {
	return a.settle(e, a.node(e))
}

// settle ends the analysis of a node whose value is used.
func (a *analysis) settle(e ast.Expr, f found) *Type {
	a.use(e, f)
	if f.optional {
		a.alwaysThere(e, f)
		return nil
	}
	if wrapper := f.typ.wrapper(); f.schema && !f.inside && wrapper != "" && !a.env.any {
		a.wrap(e, wrapper)
	}
	return f.typ
}

// use records that all of what a path leads to is needed.
func (a *analysis) use(e ast.Expr, f found) {
	if f.path == nil {
		return
	}
	switch a.named(f) {
	case rootSteps:
		a.report(e, a.at(e), "`steps` can't be used as a whole, only one step by its name: `steps.<id>`; visible here: %s", enumerate(a.env.visibleSteps()))
	case rootVars:
		a.report(e, a.at(e), "`vars` can't be used as a whole, only one variable by its name: `vars.<name>`")
	case rootCallbacks:
		a.report(e, a.at(e), "`callbacks` can't be used as a whole, only one by its step: `callbacks.<step>`; here there is %s", enumerate(a.env.callbacks))
	}
	a.refs = append(a.refs, f.path)
}

// full reports whether enough problems are found: the rest isn't looked at.
func (a *analysis) full() bool { return len(a.problems) > MaxProblems }

// node analyses a node that something may be selected from.
func (a *analysis) node(e ast.Expr) found {
	if a.full() {
		return found{}
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return found{typ: literalType(e)}
	case ast.IdentKind:
		return a.ident(e)
	case ast.SelectKind:
		sel := e.AsSelect()
		f := a.field(e, a.node(sel.Operand()), sel.FieldName(), sel.IsTestOnly())
		if sel.IsTestOnly() {
			a.use(e, f)
			return found{typ: &Type{kind: kindBool}}
		}
		return f
	case ast.CallKind:
		return a.call(e)
	case ast.ListKind:
		return a.list(e.AsList())
	case ast.MapKind:
		return a.object(e)
	case ast.ComprehensionKind:
		return a.loop(e.AsComprehension())
	case ast.StructKind:
		a.report(e, a.at(e), "`%s{…}` makes a message, which expressions don't have; an object is written {'key': value}", e.AsStruct().TypeName())
	case ast.UnspecifiedExprKind:
	}
	return found{}
}

func literalType(e ast.Expr) *Type {
	switch e.AsLiteral().Type() {
	case types.BoolType:
		return &Type{kind: kindBool}
	case types.IntType:
		return &Type{kind: kindInt}
	case types.DoubleType:
		return &Type{kind: kindNumber}
	case types.StringType:
		return &Type{kind: kindString}
	case types.NullType:
		return &Type{kind: kindNull}
	}
	return nil
}

// typeNames are CEL's names of types, which an expression may compare with type(x).
var typeNames = []string{"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"}

func (a *analysis) ident(e ast.Expr) found {
	name := strings.TrimPrefix(e.AsIdent(), ".")
	if name == e.AsIdent() {
		for _, l := range slices.Backward(a.locals) {
			if l.name == name {
				return found{typ: l.typ, schema: true}
			}
		}
	}
	typ, known := a.env.roots[name]
	if !known && slices.Contains(typeNames, name) {
		return found{}
	}
	if !known && !a.env.any {
		a.unknown(e, name)
	}
	scope := a.newNode(e)
	scope.SetKindCase(a.factory.NewIdent(scope.ID(), scopeVariable))
	e.SetKindCase(a.factory.NewSelect(e.ID(), scope, name))
	return found{typ: typ, path: Ref{name}, schema: true}
}

func (a *analysis) unknown(e ast.Expr, name string) {
	at := a.at(e)
	if reason, ok := a.env.absent[name]; ok {
		a.report(e, at, "`%s` is not available here: %s", name, reason)
		return
	}
	if reason, ok := elsewhere[name]; ok {
		a.report(e, at, "`%s` is not available here: %s; an expression here sees %s", name, reason, enumerate(a.env.names()))
		return
	}
	minus := ""
	if at > 0 && at <= len(a.source) && a.source[at-1] == '-' {
		minus = "; the `-` before it subtracts: names have no `-`"
	}
	a.report(e, at, "unknown name `%s`%s; an expression here sees %s, and a string is written in quotes%s",
		name, suggest(name, a.env.names()), enumerate(a.env.names()), minus)
}

// call analyses operators, functions and methods.
func (a *analysis) call(e ast.Expr) found {
	call := e.AsCall()
	switch call.FunctionName() {
	case operators.Index, operators.OptIndex:
		return a.index(e)
	case operators.OptSelect:
		if name, ok := text(call.Args()[1]); ok {
			f := a.field(e, a.node(call.Args()[0]), name, true)
			f.optional = true
			return f
		}
	case operators.Conditional:
		return a.conditional(call)
	case operators.LogicalAnd:
		return a.both(call)
	case "orValue":
		if call.IsMemberFunction() && len(call.Args()) == 1 {
			return a.orValue(call)
		}
	case "or":
		if call.IsMemberFunction() && len(call.Args()) == 1 {
			return a.or(call)
		}
	}
	if a.misused(e, call) {
		return found{}
	}
	var on *Type
	if call.IsMemberFunction() {
		on = a.target(e, call)
	}
	a.operands(call)
	a.arguments(e, call, on)
	a.pattern(e, call)
	if name, ok := renamed[call.FunctionName()]; ok {
		if call.IsMemberFunction() {
			e.SetKindCase(a.factory.NewMemberCall(e.ID(), name, call.Target(), call.Args()...))
		} else {
			e.SetKindCase(a.factory.NewCall(e.ID(), name, call.Args()...))
		}
	}
	return found{}
}

// target analyses what a method is called on, unless that is a function's namespace, `math` in math.abs(x).
func (a *analysis) target(e ast.Expr, call ast.CallExpr) *Type {
	target := call.Target()
	if target.Kind() == ast.IdentKind && a.library.spaces[target.AsIdent()] && !a.visible(target.AsIdent()) {
		name := target.AsIdent() + "." + call.FunctionName()
		if !slices.Contains(a.library.names, name) {
			a.report(e, a.at(target), "unknown function `%s()`%s", name, suggest(name, a.library.names))
			// Some value in its place, so that the rest is still checked.
			e.SetKindCase(a.factory.NewIdent(e.ID(), scopeVariable))
		}
		return nil
	}
	return a.value(target)
}

// visible reports whether a name is a variable here.
func (a *analysis) visible(name string) bool {
	_, root := a.env.roots[name]
	return root || slices.ContainsFunc(a.locals, func(l local) bool { return l.name == name })
}

// text is the value of a string literal.
func text(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}
