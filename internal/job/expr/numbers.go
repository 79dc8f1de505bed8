package expr

import (
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// CEL's arithmetic has no operator for an integer with a double. JSON makes no
// difference between the two, so these operators take both and give a double.
// cel-go refuses further overloads of a standard operator: base leaves the
// standard ones out, and they are declared here as a whole.
func arithmetic() []cel.EnvOption {
	return []cel.EnvOption{
		arithmeticOperator(operators.Add, "+", [3]string{overloads.AddInt64, overloads.AddDouble, overloads.AddUint64}, additions(),
			added),
		arithmeticOperator(operators.Subtract, "-", [3]string{overloads.SubtractInt64, overloads.SubtractDouble, overloads.SubtractUint64}, subtractions(),
			func(l, r ref.Val) ref.Val { return applied[traits.Subtractor](l, r, traits.Subtractor.Subtract) }),
		arithmeticOperator(operators.Multiply, "*", [3]string{overloads.MultiplyInt64, overloads.MultiplyDouble, overloads.MultiplyUint64}, nil,
			func(l, r ref.Val) ref.Val { return applied[traits.Multiplier](l, r, traits.Multiplier.Multiply) }),
		arithmeticOperator(operators.Divide, "/", [3]string{overloads.DivideInt64, overloads.DivideDouble, overloads.DivideUint64}, nil,
			func(l, r ref.Val) ref.Val { return applied[traits.Divider](l, r, traits.Divider.Divide) }),
	}
}

// arithmeticOperator declares an operator: ids are CEL's overloads for two
// integers, two doubles and two unsigned integers; more are those of other types.
func arithmeticOperator(name, symbol string, ids [3]string, more []cel.FunctionOpt, apply func(l, r ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, append([]cel.FunctionOpt{
		operator(ids[0], cel.IntType, cel.IntType, cel.IntType),
		operator(ids[1], cel.DoubleType, cel.DoubleType, cel.DoubleType),
		operator(ids[2], cel.UintType, cel.UintType, cel.UintType),
		operator(ids[0]+"_double", cel.IntType, cel.DoubleType, cel.DoubleType),
		operator(ids[1]+"_int64", cel.DoubleType, cel.IntType, cel.DoubleType),
		cel.SingletonBinaryBinding(binary(symbol, apply)),
	}, more...)...)
}

// maxLength bounds a list that + makes, which costs the same however long it is.
const maxLength = 1_000_000

func added(l, r ref.Val) ref.Val {
	left, ok := l.(traits.Lister)
	right, both := r.(traits.Lister)
	if ok && both {
		a, _ := length(left)
		b, _ := length(right)
		if a+b > maxLength {
			return types.NewErr("the list would be longer than %d items", maxLength)
		}
	}
	return applied[traits.Adder](l, r, traits.Adder.Add)
}

// applied is the operation on l, nil when l has no such operation.
func applied[T any](l, r ref.Val, operation func(T, ref.Val) ref.Val) ref.Val {
	if operand, ok := l.(T); ok {
		return operation(operand, r)
	}
	return nil
}

func additions() []cel.FunctionOpt {
	list := cel.ListType(cel.TypeParamType("A"))
	return []cel.FunctionOpt{
		operator(overloads.AddString, cel.StringType, cel.StringType, cel.StringType),
		operator(overloads.AddBytes, cel.BytesType, cel.BytesType, cel.BytesType),
		operator(overloads.AddList, list, list, list),
		operator(overloads.AddDurationDuration, cel.DurationType, cel.DurationType, cel.DurationType),
		operator(overloads.AddDurationTimestamp, cel.DurationType, cel.TimestampType, cel.TimestampType),
		operator(overloads.AddTimestampDuration, cel.TimestampType, cel.DurationType, cel.TimestampType),
	}
}

func subtractions() []cel.FunctionOpt {
	return []cel.FunctionOpt{
		operator(overloads.SubtractDurationDuration, cel.DurationType, cel.DurationType, cel.DurationType),
		operator(overloads.SubtractTimestampDuration, cel.TimestampType, cel.DurationType, cel.TimestampType),
		operator(overloads.SubtractTimestampTimestamp, cel.TimestampType, cel.TimestampType, cel.DurationType),
	}
}

func operator(id string, left, right, result *cel.Type) cel.FunctionOpt {
	return cel.Overload(id, []*cel.Type{left, right}, result)
}

// binary makes the two sides of an operator alike, applies it, and says in
// words which values it can't take.
func binary(symbol string, apply func(l, r ref.Val) ref.Val) functions.BinaryOp {
	return func(l, r ref.Val) ref.Val {
		left, right := promote(l, r)
		result := apply(left, right)
		if result == nil || noOverload(result) {
			return types.NewErr("`%s` can't take %s and %s%s", symbol, nounOf(l), nounOf(r), convertHint(l, r))
		}
		return result
	}
}

// promote turns the integer of an integer and a double into a double.
func promote(l, r ref.Val) (left, right ref.Val) {
	switch a := l.(type) {
	case types.Int:
		if _, ok := r.(types.Double); ok {
			return types.Double(a), r
		}
	case types.Double:
		if b, ok := r.(types.Int); ok {
			return l, types.Double(b)
		}
	}
	return l, r
}

func noOverload(v ref.Val) bool {
	err, ok := v.(*types.Err)
	return ok && err.Error() == types.NoSuchOverloadErr().(*types.Err).Error()
}

// convertHint is the way out of a string where a number is, and the reverse.
func convertHint(l, r ref.Val) string {
	if l.Type() == types.StringType && isNumber(r) || isNumber(l) && r.Type() == types.StringType {
		return stringHint
	}
	return ""
}

func isNumber(v ref.Val) bool {
	return v.Type() == types.IntType || v.Type() == types.DoubleType || v.Type() == types.UintType
}

// equal and unequal are what == and != are compiled to: the operators themselves
// CEL evaluates without asking what that costs.
const (
	equal   = "@equal"
	unequal = "@unequal"
)

// equality takes any two values: `1 == 1.0`, `input.count == null`. What can
// never be equal is refused by the checker of this package, see incomparable.
func equality() []cel.EnvOption {
	a, b, c := cel.TypeParamType("A"), cel.TypeParamType("B"), cel.TypeParamType("C")
	comparison := func(name string, want types.Bool) cel.EnvOption {
		return cel.Function(name, cel.Overload(name, []*cel.Type{a, b}, cel.BoolType, cel.BinaryBinding(func(l, r ref.Val) ref.Val {
			if compared([]ref.Val{l, r}) > maxCost {
				return types.NewErr(exceeded)
			}
			return types.Bool(types.Equal(l, r) == want)
		})))
	}
	return []cel.EnvOption{
		comparison(equal, types.True), comparison(unequal, types.False),
		cel.Function(operators.In,
			cel.Overload(overloads.InList, []*cel.Type{a, cel.ListType(b)}, cel.BoolType),
			cel.Overload(overloads.InMap, []*cel.Type{a, cel.MapType(b, c)}, cel.BoolType),
			cel.SingletonBinaryBinding(contained)),
	}
}

// contained is `member in collection`.
func contained(member, collection ref.Val) ref.Val {
	container, ok := collection.(traits.Container)
	switch {
	case !ok:
		return types.NewErr("`in` needs a list or an object on its right, found %s", nounOf(collection))
	case searching([]ref.Val{member, collection}) > maxCost:
		return types.NewErr(exceeded)
	}
	return container.Contains(member)
}

// conversions declare string(), whose doubles are plain decimals, and let the
// rounding functions take integers: a JSON number may turn out to be either.
func conversions() []cel.EnvOption {
	text := func(id string, arg *cel.Type) cel.FunctionOpt {
		return cel.Overload(id, []*cel.Type{arg}, cel.StringType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			if d, ok := v.(types.Double); ok {
				return types.String(decimal(float64(d)))
			}
			return v.ConvertToType(types.StringType)
		}))
	}
	same := func(name, id string) cel.EnvOption {
		return cel.Function(name, cel.Overload(id, []*cel.Type{cel.IntType}, cel.IntType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return v })))
	}
	always := func(name, id string, answer types.Bool) cel.EnvOption {
		return cel.Function(name, cel.Overload(id, []*cel.Type{cel.IntType}, cel.BoolType,
			cel.UnaryBinding(func(ref.Val) ref.Val { return answer })))
	}
	return []cel.EnvOption{
		cel.Function(overloads.TypeConvertString,
			text(overloads.StringToString, cel.StringType), text(overloads.BoolToString, cel.BoolType),
			text(overloads.BytesToString, cel.BytesType), text(overloads.DoubleToString, cel.DoubleType),
			text(overloads.DurationToString, cel.DurationType), text(overloads.IntToString, cel.IntType),
			text(overloads.TimestampToString, cel.TimestampType), text(overloads.UintToString, cel.UintType)),
		same("math.ceil", "math_ceil_int"), same("math.floor", "math_floor_int"),
		same("math.round", "math_round_int"), same("math.trunc", "math_trunc_int"),
		always("math.isNaN", "math_isNaN_int", false), always("math.isInf", "math_isInf_int", false),
		always("math.isFinite", "math_isFinite_int", true),
	}
}

// decimal is a double without an exponent.
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
