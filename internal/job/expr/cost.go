package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxCost bounds the work of one evaluation in CEL's units: about one per
// operation, and one per ten bytes of text worked on.
const maxCost = 1_000_000

// unbounded finds an expression that would exceed maxCost on any values.
func unbounded(environment *cel.Env, checked *cel.Ast) []problem {
	loops := false
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		loops = loops || e.Kind() == ast.ComprehensionKind || e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "lists.range"
	}))
	if !loops {
		return nil
	}
	estimate, err := environment.EstimateCost(checked, unknownSizes{})
	if err != nil || estimate.Min <= maxCost {
		return nil
	}
	return []problem{{message: "the expression does too much work for one evaluation, whatever the values: do less of it here, or move it into a step"}}
}

// unknownSizes knows nothing of a run's values: their sizes may be zero.
type unknownSizes struct{}

// EstimateSize is nil: unknown.
func (unknownSizes) EstimateSize(cost.AstNode) *cost.SizeEstimate { return nil }

// EstimateCallCost is nil: CEL's own estimate.
func (unknownSizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// costs charges what the standard trackers can't: calls whose overload is only
// known at run time, and functions whose work is reckoned before they run.
type costs struct{}

// constantTime are the calls that don't look at all of a list or map.
var constantTime = map[string]bool{
	operators.Index: true, operators.OptIndex: true, operators.OptSelect: true, overloads.Size: true,
	operators.Add: true, "dyn": true, "type": true, "value": true, "hasValue": true, "orValue": true, "or": true,
	"optional.of": true, "optional.ofNonZeroValue": true, "first": true, "last": true,
	operators.Conditional: true, operators.NotStrictlyFalse: true,
}

// CallCost is the cost of one call, nil for CEL's own reckoning.
func (costs) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	total := uint64(1)
	if work, ok := guarded[function]; ok {
		total += work(args)
		return &total
	}
	if overload != "" && !ours[function] {
		return nil
	}
	for _, arg := range args {
		total += weight(arg, !constantTime[function])
	}
	total += weight(result, function == "sum" || function == "chunk")
	return &total
}

// ours are the other functions of this package whose work grows with their arguments.
var ours = map[string]bool{
	operators.Add: true, overloads.TypeConvertString: true,
	ordered: true, "sha256": true, "urlEncode": true, "sum": true, "chunk": true,
}

// weight is a value's share of a call's cost: its text, and the length of a list or map when the call looks at all of it.
func weight(v ref.Val, all bool) uint64 {
	switch value := v.(type) {
	case types.String:
		return uint64(len(value)) / textPerUnit
	case types.Bytes:
		return uint64(len(value)) / textPerUnit
	}
	if n, ok := length(v); ok && all {
		return n
	}
	return 0
}
