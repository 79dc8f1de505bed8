package expr

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Want is what a single expression has to give.
type Want int

// What a single expression may have to give.
const (
	WantAny  Want = iota // any JSON value
	WantBool             // true or false: a condition
	WantList             // a list to go through
	WantTime             // a moment: a timestamp, or text in RFC 3339
)

// wording names what is wanted in messages.
type wording struct{ what, gives, example string }

func (w Want) words() wording {
	switch w {
	case WantBool:
		return wording{"a condition", "true or false", "${input.count > 0}"}
	case WantList:
		return wording{"the list to go through", "a list", "${input.regions}"}
	case WantTime:
		return wording{"a time", "a timestamp or RFC 3339 text", "${timestamp(run.startedAt) + duration('1h')}"}
	case WantAny:
	}
	return wording{"a single value", "any value", "${input.count}"}
}

// takes reports whether a result of a type may be what is wanted. typ is used
// where CEL itself knows nothing.
func (w Want) takes(result *cel.Type, typ *Type) bool {
	k := typ.kindOf()
	if w == WantAny || k == kindAny && result.Kind() == types.DynKind {
		return true
	}
	switch w {
	case WantBool:
		return k == kindBool
	case WantList:
		return k == kindList
	case WantTime:
		return k == kindString && result.Kind() != types.BytesKind && result.Kind() != types.DurationKind
	case WantAny:
	}
	return true
}

// Single compiles a string that is one `${…}` and nothing else, whose result
// must be able to be what is wanted.
func (e *Env) Single(src string, want Want) (*Expression, []Problem) {
	trimmed := strings.TrimSpace(src)
	parts, problems := split(trimmed)
	lead := strings.Index(src, trimmed)
	if len(problems) == 0 && (len(parts) != 1 || !parts[0].expression) {
		return nil, []Problem{{Message: bare(parts, trimmed, want)}}
	}
	var expression *Expression
	if len(problems) == 0 {
		expression, problems = e.compile(parts[0], want)
	}
	for i := range problems {
		problems[i].Offset += lead
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return expression, nil
}

// LateCondition compiles one `${…}` that has to give true or false, without
// types: it may name any variable of the scope.
func LateCondition(src string) (*Expression, error) {
	x, problems := (&Env{any: true}).Single(src, WantBool)
	var all []error
	for _, problem := range problems {
		all = append(all, errors.New(problem.Message))
	}
	return x, errors.Join(all...)
}

// bare explains a string that isn't one expression.
func bare(parts []part, src string, want Want) string {
	words := want.words()
	for _, p := range parts {
		if !p.expression {
			continue
		}
		join := "${a + b}, not ${a}${b}"
		if want == WantBool {
			join = "${a && b}, not ${a} && ${b}"
		}
		return words.what + " is one expression, with nothing around it: write " + join
	}
	if rest, ok := strings.CutPrefix(src, "$${"); ok {
		return fmt.Sprintf("%s is one expression, and `$${` is the two characters `${`: one $ is to go, write ${%s", words.what, rest)
	}
	if src == "" {
		return fmt.Sprintf("%s is one expression, such as %s; found nothing", words.what, words.example)
	}
	if _, err := time.Parse(time.RFC3339, src); err == nil && want == WantTime {
		return fmt.Sprintf("%s is one expression: write it as ${timestamp('%s')}", words.what, src)
	}
	return fmt.Sprintf("%s is one expression: write it as ${%s}", words.what, src)
}

// unfit finds results that have no use: an optional, or one that can't be what is wanted.
func unfit(result *cel.Type, typ *Type, want Want) []problem {
	switch {
	case optional(result):
		return []problem{{message: "the result is an optional value: end it with .orValue(…), the value to take when there is none"}}
	case result.Kind() == types.TypeKind:
		return []problem{{message: "the result is a type, which is no JSON value; compare it, such as type(x) == string"}}
	case want.takes(result, typ):
		return nil
	}
	is := noun(result.String())
	if result.Kind() == types.DynKind {
		is = typ.noun()
	}
	hint := ""
	if want == WantList && typ.is(kindObject) {
		hint = "; of an object, .map(k, k) is the list of its keys"
	}
	words := want.words()
	return []problem{{message: fmt.Sprintf("%s gives %s; this gives %s%s", words.what, words.gives, is, hint)}}
}

func optional(t *cel.Type) bool {
	return t.Kind() == types.OpaqueKind && t.TypeName() == "optional_type"
}
