package expr

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// plan is what an expression is evaluated by.
type plan struct {
	program cel.Program
	tree    *ast.AST
}

// newPlan plans a checked expression.
func newPlan(checked *cel.Ast) (plan, error) {
	environment, err := base()
	if err != nil {
		return plan{}, err
	}
	options, err := bounds()
	if err != nil {
		return plan{}, err
	}
	program, err := environment.Program(checked, options...)
	if err != nil {
		return plan{}, fmt.Errorf("the expression can't be planned: %w", err)
	}
	return plan{program: program, tree: checked.NativeRep()}, nil
}

// EvalError is an expression that failed on a run's values.
type EvalError struct {
	// Pointer is the JSON pointer of the string in its template; "" for a condition.
	Pointer string
	// Source is the expression without its braces.
	Source string
	// Message says what is wrong with the values.
	Message string
}

// Error is "${source}: message", after the pointer when there is one.
func (e *EvalError) Error() string {
	text := "${" + e.Source + "}: " + e.Message
	if e.Pointer != "" {
		text = e.Pointer + ": " + text
	}
	return text
}

// reason says in words why an evaluation failed.
func reason(err error, tree *ast.AST) string {
	message := err.Error()
	switch {
	case strings.Contains(message, "cost limit exceeded"):
		return "the expression does too much work for one evaluation; do less of it here, or move it into a step"
	case strings.HasPrefix(message, "no such overload"):
		return unsuitedCall(err, tree)
	case strings.HasPrefix(message, "timestamp overflow"):
		return "the timestamp is out of range: it can have the years 1 to 9999"
	case strings.HasPrefix(message, "duration overflow"):
		return "the duration is out of range: it can have some 292 years"
	case strings.Contains(message, "overflow"):
		return "a number is larger than an integer can be; use double(…) where the last digits don't matter"
	}
	if key, ok := strings.CutPrefix(message, "no such key: "); ok {
		selection := ".?" + key
		if !identifier.MatchString(key) {
			selection = "[?'" + key + "']"
		}
		return fmt.Sprintf("there is no `%s`; for a value that may be missing write %s.orValue(…)", key, selection)
	}
	if index, ok := strings.CutPrefix(message, "index out of bounds: "); ok {
		return fmt.Sprintf("the list has no item %s; for one that may be missing write [?%s].orValue(…)", index, index)
	}
	return message
}

// unsuitedCall names the operator or function that was given what it can't take.
func unsuitedCall(err error, tree *ast.AST) string {
	const nullHint = "; a null among them needs a default, such as x == null ? 0 : x"
	function := ""
	if fault, ok := errors.AsType[*types.Err](err); ok {
		ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
			if e.ID() == fault.NodeID() && e.Kind() == ast.CallKind {
				function = e.AsCall().FunctionName()
			}
		}))
	}
	if symbol, ok := symbols[function]; ok {
		return fmt.Sprintf("`%s` was given values that it can't take; it takes %s%s", symbol, operands[function], nullHint)
	}
	lib, libErr := catalog()
	if function == "" || libErr != nil {
		return "an operator or function was given a value of a type that it can't take" + nullHint
	}
	return fmt.Sprintf("`%s()` was given values that it can't take; %s%s", called(function), lib.accepts(function), nullHint)
}
