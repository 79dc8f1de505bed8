package job

import (
	"encoding/json"
	"strings"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// What is kept compiled: an expression takes some 10 KiB, and 100 to 350 bytes
// more for each byte of its text. The steps of a job of 1000 usually fit; all
// together that is some 75 MiB, 200 if every text is nothing but expressions.
const (
	maxLate        = 4096
	maxLateSources = 512 << 10 // bytes of their texts together, lateExpression more for each `${`
	lateExpression = 32
)

// Late keeps the expressions that were compiled last where they are evaluated
// beside a call: they travel there as text, and are compiled without types. So
// they are compiled once for all the attempts, items, calls of a poll and runs
// that have the same text. It is safe to use from several goroutines: it changes
// how long an answer takes, never the answer.
type Late struct {
	recent *recent[lateText, lateCode]
}

// lateText is a text and what is wanted of it.
type lateText struct {
	want lateWant
	text string
}

type lateWant int

const (
	lateTemplate  lateWant = iota // JSON with expressions in its strings
	lateString                    // one such string
	lateCondition                 // one expression that gives true or false
)

// lateCode is a compiled text: a condition, or a template.
type lateCode struct {
	template  *expr.Template
	condition *expr.Expression
}

// NewLate returns a Late that has compiled nothing.
func NewLate() *Late {
	return &Late{recent: newRecent[lateText, lateCode](maxLate, maxLateSources)}
}

// Render evaluates a template that is JSON text.
func (l *Late) Render(template json.RawMessage, scope expr.Scope) (any, error) {
	return l.render(lateText{want: lateTemplate, text: string(template)}, scope)
}

// RenderString evaluates a template that is one string.
func (l *Late) RenderString(template string, scope expr.Scope) (any, error) {
	return l.render(lateText{want: lateString, text: template}, scope)
}

func (l *Late) render(source lateText, scope expr.Scope) (any, error) {
	code, err := l.compiled(source)
	if err != nil {
		return nil, err
	}
	return code.template.Render(scope)
}

// Bool evaluates a condition, one `${…}`. Anything but true or false is an *[expr.EvalError].
func (l *Late) Bool(condition string, scope expr.Scope) (bool, error) {
	code, err := l.compiled(lateText{want: lateCondition, text: condition})
	if err != nil {
		return false, err
	}
	return code.condition.Bool(scope)
}

func (l *Late) compiled(source lateText) (lateCode, error) {
	size := len(source.text) + lateExpression*strings.Count(source.text, "${")
	return l.recent.get(source, size, source.compile)
}

func (source lateText) compile() (code lateCode, err error) {
	switch source.want {
	case lateCondition:
		code.condition, err = expr.LateCondition(source.text)
	case lateString:
		code.template, err = expr.Late(source.text)
	case lateTemplate:
		var value any
		if value, err = expr.Decode([]byte(source.text)); err == nil {
			code.template, err = expr.Late(value)
		}
	}
	return code, err
}
