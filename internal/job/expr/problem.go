package expr

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Problem is a fault in an expression, for the author of a job.
type Problem struct {
	// Offset is where it is, in bytes of the template string.
	Offset int
	// Message says what was found, what is allowed, and the way out.
	Message string
}

// MaxProblems is how many problems of one template are looked for: of more than
// these, at least one is told beyond them.
const MaxProblems = 200

// stringHint is the way out of a string beside a number.
const stringHint = "; convert the number with string(…), or the string with int(…) or double(…)"

// nouns are the names of CEL's types in messages.
var nouns = map[string]string{
	"bool": "a boolean", "int": "an integer", "uint": "an unsigned integer", "double": "a number", "string": "a string",
	"bytes": "bytes", "list": "a list", "map": "an object", "null": "null", "null_type": "null", "dyn": "any value",
	"timestamp": "a timestamp", "google.protobuf.Timestamp": "a timestamp", "duration": "a duration",
	"google.protobuf.Duration": "a duration", "type": "a type", "optional_type": "an optional value",
}

// plurals are the types whose lists are named after them.
var plurals = map[string]string{
	"bool": "booleans", "int": "integers", "double": "numbers", "string": "strings", "timestamp": "timestamps", "duration": "durations",
}

func noun(typeName string) string {
	head, parameter, _ := strings.Cut(typeName, "(")
	if plural, ok := plurals[strings.TrimSuffix(parameter, ")")]; ok && head == "list" {
		return "a list of " + plural
	}
	if n, ok := nouns[head]; ok {
		return n
	}
	return "any value"
}

// symbols are the operators as they are written.
var symbols = map[string]string{
	operators.Add: "+", operators.Subtract: "-", operators.Multiply: "*", operators.Divide: "/", operators.Modulo: "%",
	operators.Negate: "-", operators.LogicalNot: "!", operators.LogicalAnd: "&&", operators.LogicalOr: "||",
	operators.Less: "<", operators.LessEquals: "<=", operators.Greater: ">", operators.GreaterEquals: ">=",
	equal: "==", unequal: "!=", operators.In: "in", operators.Index: "[…]", operators.OptIndex: "[?…]",
	operators.Conditional: "? :",
}

// operands are what the operators take.
var operands = map[string]string{
	operators.Add:        "two numbers, two strings, two lists, or a timestamp and a duration",
	operators.Subtract:   "two numbers, two timestamps, or a timestamp and a duration",
	operators.Multiply:   "two numbers",
	operators.Divide:     "two numbers",
	operators.Modulo:     "two integers",
	operators.Negate:     "a number",
	operators.LogicalNot: "true or false",
	operators.Less:       "two values of one type", operators.LessEquals: "two values of one type",
	operators.Greater: "two values of one type", operators.GreaterEquals: "two values of one type",
	operators.In:          "a list or an object on its right",
	operators.Index:       "a list with an integer, or an object with a key",
	operators.OptIndex:    "a list with an integer, or an object with a key",
	operators.Conditional: "true or false before the `?`",
}

var (
	noMatch    = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	mismatch   = regexp.MustCompile(`^expected type '([^']*)' but found '([^']*)'$`)
	noRange    = regexp.MustCompile(`^expression of type '([^']*)' cannot be range`)
	noFields   = regexp.MustCompile(`^type '([^']*)' does not support field selection$`)
	badLiteral = regexp.MustCompile(`^invalid (\w+) argument$`)
)

// translate turns what CEL's parser or checker says into words for an author.
func translate(message string, lib library) string {
	if m := noMatch.FindStringSubmatch(message); m != nil {
		return unsuited(m[1], m[2], lib)
	}
	if strings.Contains(message, "recursion") {
		return fmt.Sprintf("the expression is nested more than %d deep, calls one after the other among it; compute a part of it in a step", maxDepth)
	}
	if m := undeclared.FindStringSubmatch(message); m != nil {
		if m[1] == "now" || m[1] == "today" {
			return fmt.Sprintf("unknown function `%s()`: %s", m[1], elsewhere["now"])
		}
		return fmt.Sprintf("unknown function `%s()`%s", m[1], suggest(m[1], lib.names))
	}
	if m := mismatch.FindStringSubmatch(message); m != nil {
		text := fmt.Sprintf("expected %s, found %s", noun(m[1]), noun(m[2]))
		if m[1] == "bool" {
			text += ": `&&`, `||` and conditions take true or false; compare the value, such as x > 0 or x != ''"
		}
		return text
	}
	if m := noRange.FindStringSubmatch(message); m != nil {
		return noun(m[1]) + " can't be gone through: only a list or an object can"
	}
	if m := noFields.FindStringSubmatch(message); m != nil {
		return noun(m[1]) + " has no fields: nothing can be selected from it"
	}
	if m := badLiteral.FindStringSubmatch(message); m != nil {
		return unreadable(m[1])
	}
	if word, ok := strings.CutPrefix(message, "reserved identifier: "); ok {
		return fmt.Sprintf("`%s` is a word of the language and can't be a name; as a string write '%s'", word, word)
	}
	if rest, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		return unparsed(rest)
	}
	if strings.Contains(message, "formatting clause") || message == "unexpected end of string" {
		return "format() takes %s, %d, %f, %e, %x, %X, %o and %b, with a precision such as %.2f; a percent sign is written %%"
	}
	switch message {
	case "invalid argument to has() macro":
		return "`has()` can't take this; it is written " + shapes[operators.Has]
	case "argument is not an identifier":
		return "a name for the item is expected here, such as x in .map(x, x + 1)"
	}
	if strings.Contains(message, "lookahead limit") {
		return "this can't be read as an expression"
	}
	return "not a valid expression: " + message
}

// unsuited says which values an operator or function can't take. signature is
// CEL's: "(int, string)", or "string.(int)" for a method.
func unsuited(function, signature string, lib library) string {
	found := arguments(signature)
	symbol, isOperator := symbols[function]
	if slices.Contains(found, nouns["optional_type"]) && !strings.HasPrefix(function, "o") {
		name := "`" + symbol + "`"
		if !isOperator {
			name = "`" + function + "()`"
		}
		return name + " can't take an optional value: end it with .orValue(…) first"
	}
	if function == operators.Conditional {
		return untrue("the condition before `?`", signature)
	}
	if isOperator {
		hint := ""
		if slices.Contains(found, nouns["string"]) && (slices.Contains(found, nouns["int"]) || slices.Contains(found, nouns["double"])) && function != operators.Index {
			hint = stringHint
		}
		return fmt.Sprintf("`%s` can't take %s; it takes %s%s", symbol, strings.Join(found, " and "), operands[function], hint)
	}
	return fmt.Sprintf("`%s()` can't take (%s); %s%s", called(function), strings.Join(found, ", "),
		lib.accepts(function), timeHint(found, lib.takes[function]))
}

// called is the name that an author writes for a function.
func called(function string) string {
	switch function {
	case "math.@max":
		return "math.greatest"
	case "math.@min":
		return "math.least"
	case sorted:
		return "sort"
	case sortedBy:
		return "sortBy"
	case matched:
		return "matches"
	}
	return function
}

func timeHint(found, takes []string) string {
	wants := strings.Contains(strings.Join(takes, " "), nouns["timestamp"])
	if wants && len(found) > 0 && found[0] == nouns["string"] {
		return "; convert the string with timestamp(…) or date(…)"
	}
	return ""
}

// arguments are the types of a signature as nouns.
func arguments(signature string) []string {
	receiver, rest, method := strings.Cut(signature, ".(")
	var found []string
	if method {
		found = append(found, noun(receiver))
	} else {
		rest = strings.TrimPrefix(signature, "(")
	}
	depth, start := 0, 0
	rest = strings.TrimSuffix(rest, ")")
	for i := 0; i <= len(rest); i++ {
		switch {
		case i == len(rest) || rest[i] == ',' && depth == 0:
			if name := strings.TrimSpace(rest[start:i]); name != "" {
				found = append(found, noun(name))
			}
			start = i + 1
		case rest[i] == '(':
			depth++
		case rest[i] == ')':
			depth--
		}
	}
	return found
}

func unreadable(function string) string {
	switch function {
	case "timestamp":
		return "timestamp() reads RFC 3339, such as '2026-01-05T06:00:00Z'; a day alone is read by date('2026-01-05')"
	case "duration":
		return "duration() reads hours, minutes and seconds, such as '36h', '90m' or '1h30m'; there are no days: write '24h'"
	}
	return fmt.Sprintf("%s() has a pattern that is no RE2 regular expression (https://github.com/google/re2/wiki/Syntax)", function)
}

func unparsed(message string) string {
	switch {
	case strings.Contains(message, "input '<EOF>'"):
		return "the expression ends too early: something is missing after this"
	case strings.Contains(message, "<EOF>"), strings.HasPrefix(message, "unexpected token after expression"):
		return "the expression is complete before this: an operator is missing, or a string lacks its quotes"
	}
	if m := unexpected.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("this can't be read as an expression: `%s` isn't expected here", m[1])
	}
	message, _, _ = strings.Cut(message, " expecting {") // the rest lists the parser's tokens
	return "this can't be read as an expression: " + message
}

// incomparable finds == and `in` between values of types that are never equal.
func incomparable(checked *cel.Ast, info *ast.SourceInfo) []problem {
	var problems []problem
	tree := checked.NativeRep()
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		call := e.AsCall()
		left, right := tree.GetType(call.Args()[0].ID()), tree.GetType(call.Args()[1].ID())
		switch call.FunctionName() {
		case equal, unequal:
		case operators.In:
			if len(right.Parameters()) == 0 {
				return
			}
			right = right.Parameters()[0]
		default:
			return
		}
		if mayEqual(left, right) {
			return
		}
		hint := ""
		if left.Kind() == types.StringKind && isNumeric(right) || isNumeric(left) && right.Kind() == types.StringKind {
			hint = stringHint
		}
		at, _ := info.GetOffsetRange(e.ID())
		problems = append(problems, problem{int(at.Start), fmt.Sprintf("`%s` compares %s with %s, which are never equal%s",
			symbols[call.FunctionName()], noun(left.String()), noun(right.String()), hint)})
	}))
	return problems
}

func mayEqual(a, b *types.Type) bool {
	for _, t := range []*types.Type{a, b} {
		switch t.Kind() {
		case types.BoolKind, types.IntKind, types.DoubleKind, types.UintKind, types.StringKind, types.BytesKind,
			types.ListKind, types.MapKind, types.TimestampKind, types.DurationKind:
		default:
			return true
		}
	}
	return a.Kind() == b.Kind() || isNumeric(a) && isNumeric(b)
}

func isNumeric(t *types.Type) bool {
	return t.Kind() == types.IntKind || t.Kind() == types.DoubleKind || t.Kind() == types.UintKind
}

// locate turns offsets in runes of an expression into bytes of the template
// string that it begins at start of; one problem a place.
func locate(problems []problem, source string, start int) []Problem {
	var located []Problem
	slices.SortStableFunc(problems, func(a, b problem) int { return cmp.Compare(a.offset, b.offset) })
	runes := []rune(source)
	for i, p := range problems {
		if i > 0 && problems[i-1].offset == p.offset {
			continue
		}
		at := min(max(p.offset, 0), len(runes))
		located = append(located, Problem{Offset: start + len(string(runes[:at])), Message: p.message})
	}
	return located
}
