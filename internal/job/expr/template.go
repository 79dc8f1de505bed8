package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Template is a JSON value with expressions in its strings. It is safe to use
// from several goroutines.
type Template struct {
	root node
	refs []Ref
}

// node renders one value of a template.
type node interface {
	render(scope Scope, budget *Budget) (any, error)
	typ() *Type
}

// Template compiles any value that a JSON or YAML decoder gives. A string that
// is one `${…}` takes the expression's type; in a longer one, the results are
// put in as text. problems maps the JSON pointers of faulty strings inside v to
// what is wrong with them; nil when nothing is. After more than [MaxProblems] the
// rest isn't looked at.
func (e *Env) Template(v any) (template *Template, problems map[string][]Problem) {
	c := compiler{env: e, problems: map[string][]Problem{}}
	root := c.compile("", v)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return &Template{root: root, refs: distinct(c.refs)}, nil
}

// Type is what is known of the rendered value.
func (t *Template) Type() *Type { return t.root.typ() }

// Refs are the paths that the template's expressions select, sorted; none covers another.
func (t *Template) Refs() []Ref { return t.refs }

// Render returns the template's value over a scope: a new value in the model of
// [Decode]. The error is an *[EvalError], the first one in the order of keys.
func (t *Template) Render(scope Scope) (any, error) { return t.RenderWithin(scope, NewBudget()) }

// RenderWithin is [Template.Render] out of a budget that other values share.
func (t *Template) RenderWithin(scope Scope, budget *Budget) (any, error) {
	return t.root.render(scope, budget)
}

// Late compiles a value without types: its expressions may name any variable of
// the scope. It renders what a [Template] of an [Env] that accepts the value renders.
func Late(v any) (*Template, error) {
	template, problems := (&Env{any: true}).Template(v)
	var all []error
	for _, pointer := range slices.Sorted(maps.Keys(problems)) {
		for _, problem := range problems[pointer] {
			all = append(all, errors.New(strings.TrimPrefix(pointer+": "+problem.Message, ": ")))
		}
	}
	return template, errors.Join(all...)
}

// compiler gathers what the parts of a template need and what is wrong with them.
type compiler struct {
	env      *Env
	refs     []Ref
	problems map[string][]Problem
	found    int // how many problems there are
}

// full reports whether enough problems are found: no more are looked for.
func (c *compiler) full() bool { return c.found > MaxProblems }

// fail keeps the problems of a string.
func (c *compiler) fail(pointer string, problems ...Problem) {
	if len(problems) > 0 {
		c.problems[pointer] = append(c.problems[pointer], problems...)
		c.found += len(problems)
	}
}

func (c *compiler) compile(pointer string, v any) node {
	if c.full() {
		return literalNode{}
	}
	switch value := v.(type) {
	case string:
		return c.text(pointer, value)
	case map[string]any:
		object := objectNode{members: make(map[string]node, len(value)), keys: slices.Sorted(maps.Keys(value))}
		for _, key := range object.keys {
			if c.full() {
				break
			}
			at := pointer + "/" + escapeToken.Replace(key)
			if strings.Contains(key, "${") {
				c.fail(at, Problem{Message: "a key is taken as it is, an expression in it is not evaluated; build the whole object instead: ${ {'a' + input.b: 1} }"})
			}
			object.members[key] = c.compile(at, value[key])
		}
		return object
	case []any:
		list := make(listNode, len(value))
		for i, item := range value {
			list[i] = c.compile(pointer+"/"+strconv.Itoa(i), item)
		}
		return list
	}
	plain, err := normalize(v)
	if err != nil {
		c.fail(pointer, Problem{Message: err.Error()})
	}
	return literalNode{plain}
}

func (c *compiler) text(pointer, s string) node {
	parts, problems := split(s)
	compiled := textNode{pointer: pointer}
	for _, p := range parts {
		if c.found+len(problems) > MaxProblems {
			break
		}
		if !p.expression {
			compiled.pieces = append(compiled.pieces, piece{text: p.text})
			continue
		}
		expression, found := c.env.compile(p, WantAny)
		problems = append(problems, found...)
		if expression != nil {
			c.refs = append(c.refs, expression.refs...)
			if len(parts) > 1 {
				problems = append(problems, expression.nullInText(p.offset)...)
			}
		}
		compiled.pieces = append(compiled.pieces, piece{expression: expression})
	}
	c.fail(pointer, problems...)
	return compiled
}

// nullInText refuses an expression inside a longer text that is known to give null, or may.
func (x *Expression) nullInText(offset int) []Problem {
	const inText = "null, which can't stand inside a longer string"
	switch {
	case x.typ.is(kindNull):
		return []Problem{{Offset: offset, Message: "this is always " + inText}}
	case x.path != nil && x.typ.nullable():
		return []Problem{{Offset: offset, Message: fmt.Sprintf("`%[1]s` may be %[2]s: write `%[1]s == null ? 'none' : %[1]s`, or select from it with a default, `.?name.orValue('none')`", x.path, inText)}}
	}
	return nil
}

type literalNode struct{ value any }

func (n literalNode) render(Scope, *Budget) (any, error) { return n.value, nil }

func (n literalNode) typ() *Type {
	switch n.value.(type) {
	case nil:
		return &Type{kind: kindNull}
	case bool:
		return &Type{kind: kindBool}
	case int64:
		return Int()
	case float64:
		return &Type{kind: kindNumber}
	}
	return nil
}

type objectNode struct {
	keys    []string
	members map[string]node
}

func (n objectNode) render(scope Scope, budget *Budget) (any, error) {
	object := make(map[string]any, len(n.keys))
	for _, key := range n.keys {
		value, err := n.members[key].render(scope, budget)
		if err != nil {
			return nil, err
		}
		object[key] = value
	}
	return object, nil
}

func (n objectNode) typ() *Type {
	object := closed(make(map[string]*Type, len(n.keys)))
	for _, key := range n.keys {
		object.prop[key] = n.members[key].typ()
	}
	return object
}

type listNode []node

func (n listNode) render(scope Scope, budget *Budget) (any, error) {
	list := make([]any, len(n))
	for i, item := range n {
		value, err := item.render(scope, budget)
		if err != nil {
			return nil, err
		}
		list[i] = value
	}
	return list, nil
}

func (n listNode) typ() *Type {
	var items []*Type
	for _, item := range n {
		items = append(items, item.typ())
	}
	return ListOf(joinAll(items), false)
}

// textNode is a string: one expression, or pieces that are joined.
type textNode struct {
	pointer string
	pieces  []piece
}

type piece struct {
	text       string
	expression *Expression // nil: text
}

func (n textNode) render(scope Scope, budget *Budget) (any, error) {
	if len(n.pieces) == 1 && n.pieces[0].expression != nil {
		value, err := n.pieces[0].expression.within(scope, budget)
		return value, n.locate(err)
	}
	var b strings.Builder
	for _, p := range n.pieces {
		if p.expression == nil {
			b.WriteString(p.text)
			continue
		}
		value, err := p.expression.within(scope, budget)
		if err != nil {
			return nil, n.locate(err)
		}
		text, err := display(value)
		if err == nil {
			err = budget.spend(textSize(text))
		}
		if err != nil {
			return nil, n.locate(&EvalError{Source: p.expression.source, Message: err.Error()})
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (n textNode) typ() *Type {
	if len(n.pieces) == 1 && n.pieces[0].expression != nil {
		return n.pieces[0].expression.typ
	}
	return String()
}

// locate says which string an error comes from.
func (n textNode) locate(err error) error {
	if evaluation, ok := errors.AsType[*EvalError](err); ok {
		evaluation.Pointer = n.pointer
	}
	return err
}
