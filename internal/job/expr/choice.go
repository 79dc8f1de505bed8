package expr

import (
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// maxChoices is how many allowed texts a message has.
const maxChoices = 10

// oneOf is the type of a text that is one of some.
func oneOf(texts ...string) *Type { return &Type{kind: kindString, only: texts} }

// choices are the texts that a schema's enum allows; nil where it has none, or others than texts.
func choices(schema map[string]any) []string {
	listed, ok := schema["enum"].([]any)
	if !ok {
		return nil
	}
	var texts []string
	for _, value := range listed {
		text, ok := value.(string)
		if !ok {
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

// operands analyses what a function is called with.
func (a *analysis) operands(call ast.CallExpr) {
	compared := comparison(call)
	for i, arg := range call.Args() {
		// Only what is selected as it is: what an expression makes of it may be any text.
		selected := arg.Kind() == ast.SelectKind || arg.Kind() == ast.IdentKind
		typ := a.value(arg)
		if compared && selected && typ != nil && len(typ.only) > 0 {
			a.comparable(call.Args()[1-i], typ.only)
		}
	}
}

func comparison(call ast.CallExpr) bool {
	return len(call.Args()) == 2 &&
		slices.Contains([]string{operators.Equals, operators.NotEquals, operators.In, operators.OldIn}, call.FunctionName())
}

// comparable refuses a literal that a text can never be: a step whose condition
// has a typing error would be skipped for ever.
func (a *analysis) comparable(with ast.Expr, only []string) {
	literals := []ast.Expr{with}
	if with.Kind() == ast.ListKind {
		literals = with.AsList().Elements()
	}
	for _, literal := range literals {
		if written, ok := text(literal); ok && !slices.Contains(only, written) {
			a.report(literal, a.at(literal), "it is never %s%s; it is one of %s", strconv.Quote(written), suggest(written, only), "'"+strings.Join(only[:min(len(only), maxChoices)], "', '")+"'")
		}
	}
}
