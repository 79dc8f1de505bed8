package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// shapes are the functions that name a variable of their own, or look at what is
// written: with other arguments the parser leaves them as they are.
var shapes = map[string]string{
	"map": "map(x, e) or map(x, condition, e)", "filter": "filter(x, condition)", "all": "all(x, condition)", "exists": "exists(x, condition)",
	operators.ExistsOne: "exists_one(x, condition)", "existsOne": "exists_one(x, condition)", "sortBy": "sortBy(x, e)",
	"optMap": "optMap(x, e)", "optFlatMap": "optFlatMap(x, e)", operators.Has: "has(a.b), a name after a dot",
}

// otherFunctions are functions of other languages, and what is written instead.
var otherFunctions = map[string]string{
	"len": "size(…)", "length": "size(…)", "count": "size(…)", "str": "string(…)", "toString": "string(…)", "parseInt": "int(…)", "float": "double(…)",
	"toUpperCase": "upperAscii()", "toUpper": "upperAscii()", "upper": "upperAscii()", "toLowerCase": "lowerAscii()", "toLower": "lowerAscii()", "lower": "lowerAscii()",
	"any": "exists(x, condition)", "some": "exists(x, condition)", "every": "all(x, condition)", "find": "filter(x, condition).first()",
	"includes": "contains(…), or x in list", "indexof": "indexOf(…)", "concat": "a + b", "keys": "map(k, k)", "values": "map(k, object[k])",
	"unique": "distinct()", "strip": "trim()", "replaceAll": "replace(…)", "parseJson": "json(…)", "toJSON": "toJson(…)",
}

// otherWords are operators of other languages, and what is written instead.
var otherWords = map[string]string{"and": "&&", "or": "||", "not": "!", "is": "==", "eq": "==", "ne": "!=", "AND": "&&", "OR": "||", "NOT": "!"}

// misused reports a call that can't be one, and makes some value of it so that
// the rest is still checked: what its arguments name isn't there.
func (a *analysis) misused(e ast.Expr, call ast.CallExpr) bool {
	name := call.FunctionName()
	at := a.at(e) // its bracket
	if before := at - len(name); before >= 0 && at <= len(a.source) && string(a.source[before:at]) == name {
		at = before
	}
	if shape, ok := shapes[name]; ok {
		a.report(e, at, "`%s()` can't take this; it is written %s", name, shape)
	} else if instead, ok := otherFunctions[name]; ok && !slices.Contains(a.library.names, name) {
		a.report(e, at, "unknown function `%s()`; write %s", name, instead)
	} else {
		return false
	}
	e.SetKindCase(a.factory.NewIdent(e.ID(), scopeVariable))
	return true
}

// arguments refuses literal arguments that no evaluation can take, and a sum of what is no number.
func (a *analysis) arguments(e ast.Expr, call ast.CallExpr, on *Type) {
	args := call.Args()
	switch call.FunctionName() {
	case "date":
		if len(args) != 1 {
			return // CEL's checker says how many it takes
		}
		if day, ok := text(args[0]); ok {
			if err, failed := date(types.String(day)).(*types.Err); failed {
				a.report(e, a.at(args[0]), "%s", err)
			}
		}
	case "chunk":
		if len(args) == 1 && args[0].Kind() == ast.LiteralKind {
			if size, ok := args[0].AsLiteral().(types.Int); ok && size < 1 {
				a.report(e, a.at(args[0]), "chunk() needs a size of 1 or more, found %d", size)
			}
		}
	case "sum":
		switch item := on.Element(); item.kindOf() {
		case kindBool, kindString, kindList, kindObject:
			a.report(e, a.at(e), "sum() adds numbers; the items of this list are each %s: take the numbers out of them, such as .map(i, double(i)).sum()", item.noun())
		default:
		}
	}
}

// condition is a loop's condition.
type condition struct {
	of string // the function
	id int64  // its node
}

// conditionOf names the condition of a loop that gathers only what it is true for.
func conditionOf(c ast.ComprehensionExpr) condition {
	args := c.LoopStep().AsCall().Args()
	found := condition{of: "map", id: args[0].ID()}
	switch item := last(args[1]); {
	case !isIdent(c.Result(), c.AccuVar()):
		found.of = "exists_one"
	case isIdent(item, c.IterVar()):
		found.of = "filter"
	}
	return found
}

const conditionHint = "; compare it, such as x > 0 or x != ''"

// untrue is the message of a condition that is neither true nor false. signature is CEL's, of the whole choice.
func untrue(what, signature string) string {
	return fmt.Sprintf("%s gives true or false; this gives %s%s", what, arguments(signature)[0], conditionHint)
}

var (
	unexpected = regexp.MustCompile(`^(?:mismatched|extraneous) input '([^']*)'`)
	noToken    = regexp.MustCompile(`^token recognition error at: '(.)`)
)

// otherSyntax is the way out of what another language writes at a place, "" when it is nothing known.
func otherSyntax(message, source string, offset int) string {
	runes := []rune(source)
	offset = min(max(offset, 0), len(runes))
	for _, word := range []string{lastWord(string(runes[:offset])), firstWord(string(runes[offset:]))} {
		if instead, ok := otherWords[word]; ok {
			return fmt.Sprintf("`%s` is no operator: write `%s`", word, instead)
		}
	}
	if strings.HasPrefix(message, "token recognition error at: '=>") {
		return "`=>` is no operator: what is at least something is compared with `>=`"
	}
	if m := noToken.FindStringSubmatch(message); m != nil {
		switch m[1] {
		case "=":
			return "`=` is no operator: two values are compared with `==`"
		case "&", "|":
			return fmt.Sprintf("`%[1]s` is no operator: write `%[1]s%[1]s`", m[1])
		}
		return fmt.Sprintf("`%s` is no sign of an expression", m[1])
	}
	return ""
}

var (
	wordAtStart = regexp.MustCompile(`^[A-Za-z]+\b`)
	wordAtEnd   = regexp.MustCompile(`\b[A-Za-z]+\s*$`)
)

func firstWord(s string) string { return wordAtStart.FindString(s) }

func lastWord(s string) string { return strings.TrimSpace(wordAtEnd.FindString(s)) }
