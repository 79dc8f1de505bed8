package expr

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Expression is one compiled `${…}`. It is safe to use from several goroutines.
type Expression struct {
	source string
	refs   []Ref
	plan   func() (plan, error)
}

// Expression compiles a string that is one `${…}`, as `if` takes it: it must be
// able to give true or false.
func (e *Env) Expression(src string) (*Expression, []Problem) {
	trimmed := strings.TrimSpace(src)
	parts, problems := split(trimmed)
	lead := strings.Index(src, trimmed)
	if len(problems) == 0 && (len(parts) != 1 || !parts[0].expression) {
		return nil, []Problem{{Message: bare(parts, trimmed)}}
	}
	var expression *Expression
	if len(problems) == 0 {
		expression, problems = e.compile(parts[0], true)
	}
	for i := range problems {
		problems[i].Offset += lead
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return expression, nil
}

// bare explains a string that isn't one expression.
func bare(parts []part, src string) string {
	for _, p := range parts {
		if p.expression {
			return "a condition is one expression, with nothing around it: write ${a && b}, not ${a} && ${b}"
		}
	}
	if src == "" {
		return "a condition is one expression, such as ${input.count > 0}; found nothing"
	}
	return fmt.Sprintf("a condition is one expression: write it as ${%s}", src)
}

// compile checks one expression. Its program is planned when it is first needed.
func (e *Env) compile(p part, condition bool) (*Expression, []Problem) {
	if strings.TrimSpace(p.text) == "" {
		return nil, []Problem{{Offset: p.offset - len("${"), Message: "`${}` is empty: an expression is missing; for the two characters `${` themselves write `$${`"}}
	}
	if utf8.RuneCountInString(p.text) > maxSource {
		return nil, []Problem{{Offset: p.offset, Message: fmt.Sprintf("the expression is longer than %d characters; compute a part of it in a step", maxSource)}}
	}
	checked, refs, problems, err := e.check(p.text)
	if err != nil {
		return nil, []Problem{{Offset: p.offset, Message: err.Error()}}
	}
	if len(problems) == 0 {
		problems = unfit(checked, condition)
	}
	if len(problems) > 0 {
		return nil, locate(problems, p.text, p.offset)
	}
	x := &Expression{source: p.text, refs: distinct(refs)}
	x.plan = sync.OnceValues(func() (plan, error) {
		if e.any {
			return newPlan(checked)
		}
		// Types are for checking only: what runs is what Render runs.
		untyped, _, _, err := (&Env{any: true}).check(x.source)
		if err != nil || untyped == nil {
			return plan{}, errors.Join(errors.New("the expression doesn't compile without types"), err)
		}
		return newPlan(untyped)
	})
	return x, nil
}

// unfit finds results that have no use: an optional, or a condition that can't be true or false.
func unfit(checked *cel.Ast, condition bool) []problem {
	result := checked.OutputType()
	switch {
	case optional(result):
		return []problem{{message: "the result is an optional value: end it with .orValue(…), the value to take when there is none"}}
	case result.Kind() == types.TypeKind:
		return []problem{{message: "the result is a type, which is no JSON value; compare it, such as type(x) == string"}}
	case condition && result.Kind() != types.BoolKind && result.Kind() != types.DynKind:
		return []problem{{message: fmt.Sprintf("a condition gives true or false; this gives %s", noun(result.String()))}}
	}
	return nil
}

// check parses, analyses and type-checks a source. checked is nil when there are problems.
func (e *Env) check(source string) (checked *cel.Ast, refs []Ref, problems []problem, err error) {
	environment, err := base()
	if err != nil {
		return nil, nil, nil, err
	}
	lib, err := catalog()
	if err != nil {
		return nil, nil, nil, err
	}
	parsed, issues := environment.Parse(source)
	if issues.Err() != nil {
		return nil, nil, syntaxProblems(issues, source, lib), nil
	}
	tree := parsed.NativeRep()
	walk := newAnalysis(e, source, tree, lib)
	walk.value(tree.Expr())
	if walk.full() {
		return nil, nil, walk.problems, nil
	}
	checked, issues = environment.Check(parsed)
	if failed := issues.Errors(); len(failed) > 0 {
		walk.problems = append(walk.problems, typeProblems(failed, walk, newPlaces(source, tree))...)
	} else {
		walk.problems = append(walk.problems, incomparable(checked, tree.SourceInfo())...)
		walk.problems = append(walk.problems, unbounded(environment, checked)...)
	}
	if len(walk.problems) > 0 {
		return nil, nil, walk.problems, nil
	}
	return checked, walk.refs, nil, nil
}

// typeProblems are CEL's findings in words, without those that the analysis has told already.
func typeProblems(failed []*common.Error, walk *analysis, where places) []problem {
	var problems []problem
	for _, issue := range failed {
		if !walk.reported[issue.ExprID] {
			problems = append(problems, problem{where.of(issue.ExprID), translate(issue.Message, walk.library)})
		}
	}
	return problems
}

// syntaxProblems keeps the first fault only: what follows it is mostly its echo.
func syntaxProblems(issues *cel.Issues, source string, lib library) []problem {
	first := issues.Errors()[0]
	offset, _ := common.NewTextSource(source).LocationOffset(first.Location)
	return []problem{{int(offset), translate(first.Message, lib)}}
}

// Refs are the paths that the expression selects, sorted; none covers another.
func (x *Expression) Refs() []Ref { return x.refs }

// Value evaluates the expression into the model of [Decode]. The error is an *[EvalError].
func (x *Expression) Value(scope Scope) (any, error) {
	result, err := x.eval(scope)
	if err != nil {
		return nil, err
	}
	value, err := toNative(result)
	if err != nil {
		return nil, &EvalError{Source: x.source, Message: err.Error()}
	}
	return value, nil
}

// Bool evaluates a condition. Anything but true or false is an error.
func (x *Expression) Bool(scope Scope) (bool, error) {
	result, err := x.eval(scope)
	if err != nil {
		return false, err
	}
	answer, ok := result.(types.Bool)
	if !ok {
		return false, &EvalError{Source: x.source, Message: "a condition gives true or false; this gave " + nounOf(result)}
	}
	return bool(answer), nil
}

func (x *Expression) eval(scope Scope) (ref.Val, error) {
	planned, err := x.plan()
	if err != nil {
		return nil, &EvalError{Source: x.source, Message: err.Error()}
	}
	result, _, err := planned.program.Eval(map[string]any{scopeVariable: map[string]any(scope)})
	if err != nil {
		return nil, &EvalError{Source: x.source, Message: reason(err, planned.tree)}
	}
	return result, nil
}

func optional(t *cel.Type) bool {
	return t.Kind() == types.OpaqueKind && t.TypeName() == "optional_type"
}
