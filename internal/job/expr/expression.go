package expr

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types/ref"
)

// Expression is one compiled `${…}`. It is safe to use from several goroutines.
type Expression struct {
	source string
	refs   []Ref
	path   Ref // that it is as a whole, nil when it is none
	typ    *Type
	plan   func() (plan, error)
}

// compile checks one expression. Its program is planned when it is first needed.
func (e *Env) compile(p part, want Want) (*Expression, []Problem) {
	if strings.TrimSpace(p.text) == "" {
		return nil, []Problem{{Offset: p.offset - len("${"), Message: "`${}` is empty: an expression is missing; for the two characters `${` themselves write `$${`"}}
	}
	if utf8.RuneCountInString(p.text) > maxSource {
		return nil, []Problem{{Offset: p.offset, Message: fmt.Sprintf("the expression is longer than %d characters; compute a part of it in a step", maxSource)}}
	}
	found, problems, err := e.check(p.text)
	if err != nil {
		return nil, []Problem{{Offset: p.offset, Message: err.Error()}}
	}
	if len(problems) == 0 {
		problems = unfit(found.result, found.typ, want)
	}
	if len(problems) > 0 {
		return nil, locate(problems, p.text, p.offset)
	}
	x := &Expression{source: p.text, refs: distinct(found.refs), path: found.path, typ: found.typ}
	checked := found.ast
	x.plan = sync.OnceValues(func() (plan, error) {
		if e.any {
			return newPlan(checked)
		}
		// Types are for checking only: what runs is what Late compiles.
		untyped, problems, err := (&Env{any: true}).check(x.source)
		if err != nil || len(problems) > 0 {
			return plan{}, errors.Join(errors.New("the expression doesn't compile without types"), err)
		}
		return newPlan(untyped.ast)
	})
	return x, nil
}

// finding is what checking a source finds when it has no problems.
type finding struct {
	ast    *cel.Ast
	refs   []Ref
	path   Ref       // that the whole expression is, nil when it is none
	result *cel.Type // as CEL knows it
	typ    *Type     // of the result as JSON
}

// check parses, analyses and type-checks a source.
func (e *Env) check(source string) (found finding, problems []problem, err error) {
	environment, err := base()
	if err != nil {
		return finding{}, nil, err
	}
	lib, err := catalog()
	if err != nil {
		return finding{}, nil, err
	}
	parsed, issues := environment.Parse(source)
	if issues.Err() != nil {
		return finding{}, syntaxProblems(issues, source, lib), nil
	}
	tree := parsed.NativeRep()
	walk := newAnalysis(e, source, tree, lib)
	whole := walk.node(tree.Expr())
	typ := walk.settle(tree.Expr(), whole)
	if walk.full() {
		return finding{}, walk.problems, nil
	}
	checked, issues := environment.Check(parsed)
	if failed := issues.Errors(); len(failed) > 0 {
		return finding{}, append(walk.problems, typeProblems(failed, walk, newPlaces(source, tree))...), nil
	}
	problems = append(walk.problems, incomparable(checked, tree.SourceInfo())...)
	problems = append(problems, unbounded(environment, checked)...)
	result := checked.OutputType()
	return finding{ast: checked, refs: walk.refs, path: whole.path, result: result, typ: refine(typ, fromCEL(result))}, problems, nil
}

// typeProblems are CEL's findings in words, without those that the analysis has told already.
func typeProblems(failed []*common.Error, walk *analysis, where places) []problem {
	var problems []problem
	for _, issue := range failed {
		if !walk.reported[issue.ExprID] {
			at, message := where.of(issue.ExprID), translate(issue.Message, walk.library)
			if loop, ok := walk.chosen[issue.ExprID]; ok {
				if m := noMatch.FindStringSubmatch(issue.Message); m != nil {
					at, message = where.of(loop.id), untrue("the condition of `"+loop.of+"()`", m[2])
				}
			}
			problems = append(problems, problem{at, message})
		}
	}
	return problems
}

// syntaxProblems keeps the first fault only: what follows it is mostly its echo.
func syntaxProblems(issues *cel.Issues, source string, lib library) []problem {
	first := issues.Errors()[0]
	offset, _ := common.NewTextSource(source).LocationOffset(first.Location)
	if rest, ok := strings.CutPrefix(first.Message, "Syntax error: "); ok {
		if way := otherSyntax(rest, source, int(offset)); way != "" {
			return []problem{{int(offset), way}}
		}
	}
	return []problem{{int(offset), translate(first.Message, lib)}}
}

// Refs are the paths that the expression selects, sorted; none covers another.
func (x *Expression) Refs() []Ref { return x.refs }

// Type is what is known of the result in the model of [Decode]: a timestamp is a string there.
func (x *Expression) Type() *Type { return x.typ }

func (x *Expression) eval(scope Scope, budget *Budget) (ref.Val, error) {
	if err := budget.begin(); err != nil {
		return nil, &EvalError{Source: x.source, Message: err.Error()}
	}
	planned, err := x.plan()
	if err != nil {
		return nil, &EvalError{Source: x.source, Message: err.Error()}
	}
	result, details, err := planned.program.Eval(map[string]any{scopeVariable: map[string]any(scope)})
	if err != nil {
		return nil, &EvalError{Source: x.source, Message: reason(err, planned.tree)}
	}
	budget.worked(*details.ActualCost())
	return result, nil
}
