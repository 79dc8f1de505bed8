package expr

import (
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Value evaluates the expression into the model of [Decode]. The error is an *[EvalError].
func (x *Expression) Value(scope Scope) (any, error) { return x.within(scope, NewBudget()) }

// within is Value out of a budget.
func (x *Expression) within(scope Scope, budget *Budget) (any, error) {
	result, err := x.eval(scope, budget)
	if err != nil {
		return nil, err
	}
	value, err := toNative(result, budget)
	if err != nil {
		return nil, &EvalError{Source: x.source, Message: err.Error()}
	}
	return value, nil
}

// Bool evaluates a condition. Anything but true or false is an *[EvalError].
func (x *Expression) Bool(scope Scope) (bool, error) {
	result, err := x.eval(scope, NewBudget())
	if err != nil {
		return false, err
	}
	answer, ok := result.(types.Bool)
	if !ok {
		return false, x.unwanted(WantBool, result)
	}
	return bool(answer), nil
}

// Time evaluates to a moment in UTC: a timestamp, or a text that is one in RFC
// 3339. Anything else is an *[EvalError].
func (x *Expression) Time(scope Scope) (time.Time, error) {
	result, err := x.eval(scope, NewBudget())
	if err != nil {
		return time.Time{}, err
	}
	switch value := result.(type) {
	case types.Timestamp:
		return value.UTC(), nil
	case types.String:
		moment, err := time.Parse(time.RFC3339, string(value))
		if err != nil {
			return time.Time{}, &EvalError{Source: x.source, Message: "a time is a timestamp, or RFC 3339 text such as '2026-01-05T06:00:00Z'; this gave " + excerpt(string(value)) +
				"; a day alone is read by date('2026-01-05')"}
		}
		return moment.UTC(), nil
	}
	return time.Time{}, x.unwanted(WantTime, result)
}

// unwanted is the error of a result of the wrong kind.
func (x *Expression) unwanted(want Want, result ref.Val) error {
	words := want.words()
	return &EvalError{Source: x.source, Message: words.what + " gives " + words.gives + "; this gave " + nounOf(result)}
}

// excerpt is a text in quotes, or its beginning.
func excerpt(s string) string {
	const most = 40
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return strconv.Quote(s)
}
