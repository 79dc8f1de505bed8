package expr

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// Bounds on one expression's source; cost.go and convert.go bound its evaluation and result.
const (
	maxSource = 10_000 // code points
	maxDepth  = 100    // nesting in the source
)

// scopeVariable is the one CEL variable. `input.from` is compiled as a
// selection from it, so one CEL environment serves every set of variables. An
// author can't write its name.
const scopeVariable = "@scope"

// ordered makes a map iterate in the order of its keys; the compiler puts it around the range of every loop.
const ordered = "@ordered"

// replaced are the standard functions that Fairlead declares anew, see numbers.go.
var replaced = []string{
	operators.Add, operators.Subtract, operators.Multiply, operators.Divide,
	operators.Equals, operators.NotEquals, operators.In, overloads.TypeConvertString,
}

// base is the CEL environment that every expression is checked and planned in.
var base = sync.OnceValues(func() (*cel.Env, error) {
	environment, err := unguarded()
	if err != nil {
		return nil, err
	}
	before, err := guards(environment)
	if err != nil {
		return nil, err
	}
	return environment.Extend(before...)
})

// unguarded is base before its costly functions are guarded.
func unguarded() (*cel.Env, error) {
	subset := env.NewLibrarySubset()
	for _, name := range replaced {
		subset.ExcludeFunctions = append(subset.ExcludeFunctions, env.NewFunction(name))
	}
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(subset)),
		cel.OptionalTypes(),
		ext.Strings(), ext.Lists(), ext.Math(), ext.Sets(), ext.Regex(),
		ext.Encoders(ext.EncodersVersion(0)), // later ones bring a JSON reader that makes every number a double
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxDepth),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals()),
		cel.Variable(scopeVariable, cel.DynType),
	}
	options = append(options, objectFunctions())
	for _, group := range [][]cel.EnvOption{wrappers(), arithmetic(), equality(), conversions(), jsonFunctions(), listFunctions(), timeFunctions()} {
		options = append(options, group...)
	}
	return cel.NewCustomEnv(options...)
}

// bounds are the options of every program.
var bounds = sync.OnceValues(func() ([]cel.ProgramOption, error) {
	environment, err := base()
	if err != nil {
		return nil, err
	}
	return []cel.ProgramOption{cel.CostTracking(costs{}), cel.CostLimit(maxCost), charges(environment)}, nil
})

// wrappers are the functions that say a value's type to the checker. What is
// evaluated has none of them.
func wrappers() []cel.EnvOption {
	declare := func(name string, result *cel.Type) cel.EnvOption {
		return cel.Function(name, cel.Overload(name, []*cel.Type{cel.DynType}, result,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return v })))
	}
	item := cel.TypeParamType("T")
	return []cel.EnvOption{
		declare("@bool", cel.BoolType), declare("@int", cel.IntType), declare("@number", cel.DoubleType),
		declare("@string", cel.StringType), declare("@list", cel.ListType(cel.DynType)),
		declare("@object", cel.MapType(cel.StringType, cel.DynType)),
		cel.Function(ordered, cel.Overload(ordered, []*cel.Type{item}, item, cel.UnaryBinding(inOrder))),
	}
}
